use super::*;

fn wall(hours: i64) -> Wall {
    let from = NaiveDateTime::default();
    Wall { from, to: from + TimeDelta::hours(hours) }
}

/// Reads a range in which `rows(second)` calls begin each second; returns the statements that it took.
fn read(wall: Wall, page: usize, rows: impl Fn(i64) -> usize) -> usize {
    let mut slices = Slices::new(wall, page);
    let (mut statements, mut reached, mut seen) = (0, wall.from, 0);
    while let Some(slice) = slices.slice() {
        assert_eq!(slice.from, reached, "slices follow each other");
        let seconds = slice.from.and_utc().timestamp()..slice.to.and_utc().timestamp();
        let all: usize = seconds.map(&rows).sum();
        statements += 1;
        let got = all.min(slices.limit());
        if !slices.is_smallest() && !slices.is_whole(got) {
            continue;
        }
        seen += all;
        reached = slice.to;
        slices.done(all);
    }
    let all: usize = (wall.from.and_utc().timestamp()..wall.to.and_utc().timestamp()).map(rows).sum();
    assert_eq!((reached, seen), (wall.to, all));
    statements
}

#[test]
fn every_row_is_read_once() {
    assert_eq!(read(wall(0), 1000, |_| 1), 0);
    // A quiet day takes few statements, a busy one not many more than its pages.
    assert!(read(wall(24), 1000, |_| 0) <= 8);
    let busy = read(wall(24), 1000, |_| 3);
    assert!(busy < 3 * 24 * 3600 / 1000 * 3 / 2, "{busy}");
}

#[test]
fn a_burst_makes_slices_small_and_silence_makes_them_wide_again() {
    let statements = read(wall(24), 100, |second| match second {
        40_000..40_010 => 5_000,
        _ => usize::from(second % 600 == 0),
    });
    assert!(statements < 100, "{statements}");
}
