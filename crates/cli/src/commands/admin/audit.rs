//! `hallpass admin audit`: reads what a server wrote down of what happened. It writes nothing, so that a
//! server may use the database meanwhile.

use std::fs;
use std::path::{Path, PathBuf};

use hallpass_client::{Timestamp, clean};
use hallpass_server::audit::{self, AuthorizationId, Search, Trail};
use serde_json::{Value, json};

use super::target::{Target, refused};
use crate::args::{AuditCommand, AuditSearchArgs};
use crate::duration;
use crate::exit_code;
use crate::failure::Failure;
use crate::moment;
use crate::output::{Output, printable};
use crate::runtime;

pub(super) fn run(command: &AuditCommand, target: &Target<'_>) -> Result<(), Failure> {
    let settings = target.settings()?;
    runtime::block_on_server(async {
        let opened = Trail::open(&settings).await;
        let trail = opened.map_err(|error| refused(&error))?;
        let done = match command {
            AuditCommand::Tail { count } => tail(*count, (&trail, target)).await,
            AuditCommand::Search(args) => search(args, (&trail, target)).await,
            AuditCommand::Verify { anchors } => verify(anchors, (&trail, target)).await,
            AuditCommand::Anchor => anchor(&trail).await,
        };
        trail.close().await;
        done
    })
}

async fn tail(count: u32, (trail, target): (&Trail, &Target<'_>)) -> Result<(), Failure> {
    let newest = trail.search(&Search::default(), count as usize).await;
    let mut records = newest.map_err(|error| Failure::store(error.to_string()))?;
    // As a log is read: the newest last.
    records.reverse();
    let records: Vec<Value> = records.iter().map(audit::record_json).collect();
    print(&records, target)
}

async fn search(
    args: &AuditSearchArgs,
    (trail, target): (&Trail, &Target<'_>),
) -> Result<(), Failure> {
    let now = audit::now();
    if let Some(event) = args
        .event
        .as_deref()
        .filter(|event| !audit::is_event(event))
    {
        let what = format!("there is no event `{}`", clean::text(event));
        let hint = "write a whole name such as `login.failure`, or the part before its dot";
        return Err(Failure::usage(what).hint_to(hint));
    }
    let sid = match &args.sid {
        None => None,
        Some(text) => Some(AuthorizationId::parse(text).ok_or_else(|| {
            let what = format!("`{}` is no sign-in", clean::text(text));
            Failure::usage(what).hint_to("it is the `sid` of a token or of another record")
        })?),
    };
    let subject = match &args.user {
        None => None,
        Some(name) => {
            let found = trail.find_user(name).await;
            Some(found.map_err(|error| Failure::store(error.to_string()))?)
        }
    };
    let search = Search {
        event: args.event.clone(),
        subject,
        client: args.client.clone(),
        reference: args.reference.clone(),
        sid,
        since: args
            .since
            .as_deref()
            .map(|text| time(text, now))
            .transpose()?,
        until: args
            .until
            .as_deref()
            .map(|text| time(text, now))
            .transpose()?,
    };
    let found = trail.search(&search, args.limit as usize).await;
    let records = found.map_err(|error| Failure::store(error.to_string()))?;
    let records: Vec<Value> = records.iter().map(audit::record_json).collect();
    print(&records, target)
}

/// `24h` ago, or a moment.
fn time(text: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    let moment = || {
        let at: jiff::Timestamp = text.parse().ok()?;
        Some(Timestamp::from_unix_millis(at.as_millisecond()))
    };
    let ago = || duration::parse(text).ok().map(|span| now - span);
    moment().or_else(ago).ok_or_else(|| {
        let what = format!("`{}` is no time", clean::text(text));
        Failure::usage(what).hint_to("write `24h`, or `2026-11-21T08:00:00Z`")
    })
}

async fn verify(files: &[PathBuf], (trail, target): (&Trail, &Target<'_>)) -> Result<(), Failure> {
    let mut anchors = Vec::new();
    for file in files {
        anchors.extend(read_anchors(file)?);
    }
    let report = trail.verify(&anchors).await;
    let report = report.map_err(|error| Failure::store(error.to_string()))?;
    let records: u64 = report.chains.iter().map(|chain| chain.records).sum();
    if target.context.output.is_json() {
        let chains: Vec<Value> = report
            .chains
            .iter()
            .map(|chain| {
                json!({
                    "node": chain.node.to_string(),
                    "records": chain.records,
                    "pruned": chain.pruned,
                    "signed_at": moment::rfc3339(chain.head.at),
                })
            })
            .collect();
        let findings: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
        Output::answer_json(&json!({
            "schema": "hallpass.admin.audit_verify/1",
            "holds": findings.is_empty(),
            "records": records,
            "anchors": report.anchors,
            "chains": chains,
            "findings": findings,
        }))?;
    }
    let Some(first) = report.findings.first() else {
        let words = format!(
            "every record holds (records: {records}, chains: {}, anchors compared: {})",
            report.chains.len(),
            report.anchors
        );
        target.context.output.done(&words);
        if files.is_empty() {
            let note = "without --anchor nobody can tell that the newest records were not cut off";
            target.context.output.note(note);
        }
        return Ok(());
    };
    for finding in report.findings.iter().skip(1) {
        target.context.output.warn(&finding.to_string());
    }
    let failure = Failure::with_exit(exit_code::OTHER, first.to_string());
    Err(failure
        .hint_to("keep a copy of the database, and compare it with a backup and the other sinks"))
}

fn read_anchors(file: &Path) -> Result<Vec<audit::Anchor>, Failure> {
    let text = fs::read_to_string(file).map_err(|error| {
        let what = format!("cannot read the anchors in `{}`", file.display());
        Failure::store(what).caused_by(&error)
    })?;
    let anchors = audit::read_anchors(&text);
    if anchors.is_empty() {
        let what = format!("`{}` holds no anchor", file.display());
        let hint = "make one with `hallpass admin audit anchor > FILE`, or name the file of a sink";
        return Err(Failure::with_exit(exit_code::USAGE, what).hint_to(hint));
    }
    Ok(anchors)
}

async fn anchor(trail: &Trail) -> Result<(), Failure> {
    let lines = trail.anchors().await;
    let lines = lines.map_err(|error| Failure::store(error.to_string()))?;
    let lines = lines.iter().map(|line| format!("{line}\n"));
    Output::answer(&lines.collect::<String>())
}

/// One line for each record.
fn print(records: &[Value], target: &Target<'_>) -> Result<(), Failure> {
    let output = target.context.output;
    if records.is_empty() {
        output.note("no records");
        return Ok(());
    }
    let mut text = String::new();
    for record in records {
        if output.is_json() {
            text.push_str(&printable(&record.to_string()));
        } else {
            text.push_str(&line(record, target));
        }
        text.push('\n');
    }
    Output::answer(&text)
}

fn line(record: &Value, target: &Target<'_>) -> String {
    let member = |name: &str| match record.get(name) {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(clean::text(text)),
        Some(other) => Some(clean::text(&other.to_string())),
    };
    let event = format!("{:<24}", member("event").unwrap_or_default());
    let paint = target.context.output.paint;
    let event = match record.get("outcome").and_then(Value::as_str) {
        Some("alert") => paint.bad(&event),
        Some(_) | None => paint.bold(&event),
    };
    let mut words = vec![member("at").unwrap_or_default(), event];
    let actor = member("actor");
    // Most of what people do is about themselves: their name is said once.
    let subject = member("subject").filter(|subject| {
        let own = format!("user:{subject}");
        actor.as_deref() != Some(own.as_str())
    });
    for (label, value) in [
        ("", actor),
        ("about=", subject),
        ("client=", member("client")),
        ("sid=", member("sid")),
        ("ip=", member("ip")),
        ("ref=", member("ref")),
        ("", member("detail")),
    ] {
        words.extend(value.map(|value| format!("{label}{value}")));
    }
    words.join("  ")
}
