//! One request until its answer: what each status and each failure means for the next step.

use super::exchange::{Call, Fault, Reply};
use super::patience::{backoff, retry_after, Patience};
use super::{Answer, Attempt, Client, Method};
use crate::error::Error;
use std::time::Duration;
use ureq::http::header;

const MOST_REDIRECTS: u32 = 5;

enum Step {
    Done(Answer),
    /// The same call after a wait.
    Again(Duration),
    Elsewhere(Call, Duration),
}

impl Client {
    pub(super) fn pursue(&self, mut call: Call, lines: &mut Vec<Attempt>) -> Result<Answer, Error> {
        let mut patience = Patience::new(self.settings.attempts, self.settings.wait_budget);
        loop {
            let permit = self.gate.enter(&mut patience.budget)?;
            let (outcome, line) = self.attempt(&call, permit, patience.attempt());
            lines.push(line);
            let step = match outcome {
                Ok(reply) => self.heed(reply, &call, &mut patience)?,
                Err(fault) => recover(fault, &mut patience)?,
            };
            let wait = match step {
                Step::Done(answer) => return Ok(answer),
                Step::Again(wait) => wait,
                Step::Elsewhere(next, wait) => {
                    call = next;
                    wait
                }
            };
            self.gate.sleep(wait, &mut patience.budget)?;
        }
    }

    fn heed(&self, reply: Reply, call: &Call, patience: &mut Patience) -> Result<Step, Error> {
        let status = reply.status;
        let asked = retry_after(&reply.headers).filter(|wait| !wait.is_zero());
        let body = || call.secrets.excerpt(&reply.body, 200);
        match (status, reply.header(header::LOCATION)) {
            (202, Some(location)) => {
                patience.polls += 1;
                let wait = asked.unwrap_or_else(|| backoff(patience.polls));
                if wait > patience.budget {
                    return Err(Error::WaitBudget { wait, left: patience.budget });
                }
                Ok(Step::Elsewhere(call.moved(location)?, wait))
            }
            (301 | 302 | 303 | 307 | 308, Some(location)) => {
                patience.redirects += 1;
                if call.method != Method::Get || patience.redirects > MOST_REDIRECTS {
                    return Err(Error::Redirect { location: call.secrets.text(location) });
                }
                Ok(Step::Elsewhere(call.moved(location)?, Duration::ZERO))
            }
            (200..=299, _) => Ok(Step::Done(reply.into_answer(call))),
            (429, _) => {
                patience.throttled += 1;
                let wait = asked.unwrap_or_else(|| backoff(patience.throttled));
                self.gate.pause(wait);
                match asked {
                    _ if wait <= patience.budget => Ok(Step::Again(Duration::ZERO)),
                    Some(wait) => Err(Error::WaitBudget { wait, left: patience.budget }),
                    None => Err(Error::Exhausted { status, attempts: patience.attempt() - 1, body: body() }),
                }
            }
            (408 | 500..=599, _) => match patience.fail(asked) {
                Some(wait) => Ok(Step::Again(wait)),
                None => Err(Error::Exhausted { status, attempts: patience.attempt() - 1, body: body() }),
            },
            _ => Err(Error::Status { status, body: body() }),
        }
    }
}

fn recover(fault: Fault, patience: &mut Patience) -> Result<Step, Error> {
    match fault {
        Fault::Lasting(error) => Err(error),
        Fault::Passing(cause) => match patience.fail(None) {
            Some(wait) => Ok(Step::Again(wait)),
            None => Err(Error::Transport { attempts: patience.attempt() - 1, cause }),
        },
    }
}

#[cfg(test)]
#[path = "pursuit_tests.rs"]
mod tests;
