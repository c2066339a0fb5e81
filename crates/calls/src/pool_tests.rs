use super::*;
use std::sync::mpsc::channel;
use std::time::Duration;

fn spawn(task: Box<dyn FnOnce() + Send>) -> std::io::Result<()> {
    std::thread::Builder::new().spawn(task).map(drop)
}

#[test]
fn every_job_comes_back_once() {
    let (bell, rung) = channel();
    let mut pool = Pool::start(3, &spawn, |n: &u64| n * 2, move || bell.send(()).unwrap()).unwrap();
    (0..100).for_each(|n| pool.submit(n));
    let mut sum = 0;
    while pool.outstanding() > 0 {
        rung.recv_timeout(Duration::from_secs(5)).unwrap();
        while let Some((job, result)) = pool.take() {
            assert_eq!(result, job * 2);
            sum += job;
        }
    }
    assert_eq!(sum, 4950);
}

#[test]
fn dropping_ends_the_threads_and_forgets_what_waits() {
    let (began, begun) = channel();
    let (go, gate) = channel::<()>();
    let gate = Mutex::new(gate);
    let run = move |_: &u8| {
        began.send(()).unwrap();
        let _ = gate.lock().unwrap().recv();
    };
    let mut pool = Pool::start(1, &spawn, run, || ()).unwrap();
    pool.submit(1);
    pool.submit(2);
    begun.recv_timeout(Duration::from_secs(5)).unwrap();
    drop(pool);
    drop(go);
    // The thread ends after its first job, which drops the last sender.
    assert!(begun.recv_timeout(Duration::from_secs(5)).is_err());
}
