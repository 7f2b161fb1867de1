//! Puts load on one HTTP/1.1 server: so many connections, each asks again when it has its answer.
//!
//! Every answer's status, and when asked a text in its body, is compared with what is expected: load
//! on a server that refuses says nothing. The result is one line of JSON on standard output.

#![expect(
    clippy::disallowed_methods,
    reason = "a stopwatch reads the clock; the rule is for what decides by it"
)]

mod answer;
mod plan;

use std::cell::RefCell;
use std::io::Write as _;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

use answer::Answer;
use plan::{Plan, USAGE};

/// What all connections share.
struct Run {
    plan: Plan,
    /// The bodies that are still to be sent.
    bodies: std::collections::VecDeque<String>,
    micros: Vec<u32>,
    captured: Vec<String>,
    unexpected: u64,
    first_unexpected: Option<String>,
    left: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let plan = match Plan::read(std::env::args().skip(1)) {
        Ok(plan) => plan,
        Err(problem) => {
            eprintln!("load: {problem}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let (connections, address) = (plan.connections, plan.address);
    let end = plan.seconds.map(Duration::from_secs_f64);
    let run = Rc::new(RefCell::new(Run {
        bodies: plan.bodies.iter().cloned().collect(),
        left: plan.requests.unwrap_or(u64::MAX),
        micros: Vec::with_capacity(1 << 20),
        captured: Vec::new(),
        unexpected: 0,
        first_unexpected: None,
        plan,
    }));
    let began = Instant::now();
    let tasks = LocalSet::new();
    for _ in 0..connections {
        let run = Rc::clone(&run);
        tasks.spawn_local(async move {
            let deadline = end.map(|end| began + end);
            if let Err(problem) = connection(&run, address, deadline).await {
                run.borrow_mut().refuse(format!("connection: {problem}"));
            }
        });
    }
    tasks.await;
    let seconds = began.elapsed().as_secs_f64();
    let mut run = run.borrow_mut();
    if let Err(problem) = run.report(seconds) {
        eprintln!("load: {problem}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Asks on one connection until there is nothing more to ask; opens it again where the server closes it.
async fn connection(
    run: &RefCell<Run>,
    address: SocketAddr,
    deadline: Option<Instant>,
) -> std::io::Result<()> {
    let mut stream: Option<TcpStream> = None;
    let mut buffer = Vec::with_capacity(16 * 1024);
    while deadline.is_none_or(|end| Instant::now() < end) {
        let Some(body) = run.borrow_mut().next_body() else {
            return Ok(());
        };
        let request = run.borrow().plan.request(&body);
        let began = Instant::now();
        let mut open = if let Some(open) = stream.take() {
            open
        } else {
            let open = TcpStream::connect(address).await?;
            open.set_nodelay(true)?;
            open
        };
        open.write_all(request.as_bytes()).await?;
        buffer.clear();
        let answer = loop {
            let count = open.read_buf(&mut buffer).await?;
            if let Some(answer) = Answer::read(&buffer, count == 0) {
                break answer;
            }
            if count == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
        };
        let micros = began.elapsed().as_micros();
        if !answer.closes {
            stream = Some(open);
        }
        run.borrow_mut().note(&answer, micros);
    }
    Ok(())
}

impl Run {
    /// The next body to send: taken from the pool, or the one body of the plan.
    fn next_body(&mut self) -> Option<String> {
        if self.left == 0 {
            return None;
        }
        self.left -= 1;
        if self.plan.bodies.is_empty() {
            return Some(self.plan.prefix.clone());
        }
        let body = self.bodies.pop_front()?;
        if self.plan.cycles {
            self.bodies.push_back(body.clone());
        }
        Some(format!("{}{body}", self.plan.prefix))
    }

    /// Judges an answer, and keeps of it what was asked for.
    fn note(&mut self, answer: &Answer, micros: u128) {
        self.micros.push(u32::try_from(micros).unwrap_or(u32::MAX));
        let is_expected = self.plan.expects(answer);
        if !is_expected {
            self.refuse(format!("{} {}", answer.status, answer.body));
        }
        let Some(member) = &self.plan.capture else {
            return;
        };
        let Some(value) = answer.member(member) else {
            if is_expected {
                self.refuse(format!("no `{member}`: {}", answer.body));
            }
            return;
        };
        if self.plan.returns {
            self.bodies.push_back(value);
        } else {
            self.captured.push(value);
        }
    }

    fn refuse(&mut self, what: String) {
        self.unexpected += 1;
        self.first_unexpected.get_or_insert(what);
    }

    /// Writes the result, and what was captured.
    fn report(&mut self, seconds: f64) -> std::io::Result<()> {
        if let Some(path) = &self.plan.capture_to {
            // What was returned is what is left of the pool: the next run goes on with it.
            let kept = if self.plan.returns {
                Vec::from(std::mem::take(&mut self.bodies)).join("\n")
            } else {
                self.captured.join("\n")
            };
            std::fs::write(path, kept)?;
        }
        self.micros.sort_unstable();
        let at = |share: f64| {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                clippy::cast_precision_loss,
                reason = "a place in a list of measured times"
            )]
            let place = (self.micros.len() as f64 * share) as usize;
            let micros = self
                .micros
                .get(place.min(self.micros.len().saturating_sub(1)));
            f64::from(micros.copied().unwrap_or(0)) / 1000.0
        };
        let sample = self.first_unexpected.as_deref().unwrap_or_default();
        writeln!(
            std::io::stdout(),
            r#"{{"requests":{},"seconds":{seconds:.4},"p50_ms":{:.3},"p99_ms":{:.3},"unexpected":{},"sample":"{}"}}"#,
            self.micros.len(),
            at(0.50),
            at(0.99),
            self.unexpected,
            sample
                .chars()
                .take(200)
                .flat_map(char::escape_default)
                .filter(|c| *c != '\'')
                .collect::<String>()
                .replace("\\u{", "(")
                .replace('}', ")"),
        )
    }
}
