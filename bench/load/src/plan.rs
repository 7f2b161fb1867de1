//! What to ask, of whom, how often, and what counts as an answer.

use std::fmt::Write as _;
use std::net::SocketAddr;

use crate::answer::Answer;

pub(crate) const USAGE: &str = "\
usage: load --address IP:PORT --path PATH [options]
  --host NAME           the Host header (default: the address)
  --method NAME         default: GET
  --header 'NAME: V'    may repeat
  --body TEXT           the body, or what stands before each of --bodies
  --bodies FILE         one body a line, each used once
  --cycle               a used body goes back to the end of the line
  --connections N       default: 16
  --seconds S           how long
  --requests N          how many at most
  --expect STATUS       default: 200
  --contains TEXT       what the body of every answer holds
  --capture MEMBER      keeps a text member of every answer
  --capture-to FILE     where to, one a line
  --return              what was captured goes to the end of the line of bodies";

pub(crate) struct Plan {
    pub(crate) address: SocketAddr,
    head: String,
    pub(crate) prefix: String,
    pub(crate) bodies: Vec<String>,
    pub(crate) cycles: bool,
    pub(crate) connections: usize,
    pub(crate) seconds: Option<f64>,
    pub(crate) requests: Option<u64>,
    expect: u16,
    contains: Option<String>,
    pub(crate) capture: Option<String>,
    pub(crate) capture_to: Option<String>,
    pub(crate) returns: bool,
}

impl Plan {
    pub(crate) fn read(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let (mut address, mut path, mut host) = (None, None, None);
        let (mut method, mut headers) = ("GET".to_owned(), String::new());
        let mut plan = Self {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            head: String::new(),
            prefix: String::new(),
            bodies: Vec::new(),
            cycles: false,
            connections: 16,
            seconds: None,
            requests: None,
            expect: 200,
            contains: None,
            capture: None,
            capture_to: None,
            returns: false,
        };
        while let Some(name) = arguments.next() {
            match name.as_str() {
                "--cycle" => plan.cycles = true,
                "--return" => plan.returns = true,
                _ => {
                    let value = arguments.next().ok_or(format!("{name} needs a value"))?;
                    let no_number = |_| format!("{name}: not a number: {value}");
                    match name.as_str() {
                        "--address" => address = value.parse().ok(),
                        "--path" => path = Some(value),
                        "--host" => host = Some(value),
                        "--method" => method = value,
                        "--header" => headers = format!("{headers}{value}\r\n"),
                        "--body" => plan.prefix = value,
                        "--bodies" => plan.bodies = lines(&value)?,
                        "--connections" => plan.connections = value.parse().map_err(no_number)?,
                        "--seconds" => {
                            let seconds = value.parse();
                            plan.seconds = Some(seconds.map_err(|_| "no number of seconds")?);
                        }
                        "--requests" => plan.requests = Some(value.parse().map_err(no_number)?),
                        "--expect" => plan.expect = value.parse().map_err(no_number)?,
                        "--contains" => plan.contains = Some(value),
                        "--capture" => plan.capture = Some(value),
                        "--capture-to" => plan.capture_to = Some(value),
                        _ => return Err(format!("unknown option {name}")),
                    }
                }
            }
        }
        plan.address = address.ok_or("--address is missing")?;
        let path = path.ok_or("--path is missing")?;
        let host = host.unwrap_or_else(|| plan.address.to_string());
        plan.head = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\n{headers}");
        Ok(plan)
    }

    /// The request with this body.
    pub(crate) fn request(&self, body: &str) -> String {
        let mut request = String::with_capacity(self.head.len() + body.len() + 100);
        request.push_str(&self.head);
        if !body.is_empty() {
            let length = body.len();
            // Writing to a string cannot fail.
            let _ = write!(
                request,
                "content-type: application/x-www-form-urlencoded\r\ncontent-length: {length}\r\n"
            );
        }
        request.push_str("\r\n");
        request.push_str(body);
        request
    }

    /// Whether an answer is what the measurement is about.
    pub(crate) fn expects(&self, answer: &Answer) -> bool {
        answer.status == self.expect
            && self
                .contains
                .as_ref()
                .is_none_or(|text| answer.body.contains(text))
    }
}

fn lines(path: &str) -> Result<Vec<String>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    if lines.is_empty() {
        Err(format!("{path} is empty"))
    } else {
        Ok(lines)
    }
}
