//! `hallpass admin keys`.

use std::path::Path;
use std::time::Duration;

use hallpass_protocol::random::SystemRandom;
use hallpass_protocol::time::SystemClock;
use hallpass_protocol::{Clock as _, hex};
use hallpass_server::admin::{Admin, KeyRow, KeyState, Node, Urgency};
use hallpass_server::key_ring::{self, KeyRing, KeyRingError};
use serde_json::json;

use super::target::{Target, refused};
use crate::args::KeysCommand;
use crate::exit_code;
use crate::failure::Failure;
use crate::output::Output;
use crate::runtime;

pub(super) fn run(command: &KeysCommand, target: &Target<'_>) -> Result<(), Failure> {
    match command {
        KeysCommand::NewRing { file, from } => new_ring(file, from.as_deref(), target),
        KeysCommand::List => runtime::block_on_server(async {
            let admin = target.open().await?;
            let keys = admin.keys().await.map_err(|error| refused(&error))?;
            let nodes = admin.nodes().await.map_err(|error| refused(&error))?;
            admin.close().await;
            show(&keys, &nodes, target)
        }),
        KeysCommand::Rotate { now, revoke } => {
            runtime::block_on_server(rotate(*now, revoke.as_deref(), target))
        }
        KeysCommand::Revoke { kid } => runtime::block_on_server(async {
            let admin = target.open().await?;
            let revoked = revoke(&admin, kid, target).await;
            admin.close().await;
            revoked
        }),
        KeysCommand::Reencrypt => runtime::block_on_server(reencrypt(target)),
    }
}

/// Every node looks for new keys each second and says every other second what it publishes; one that
/// says nothing is gone after half a minute.
const PUBLISHED_WITHIN: Duration = Duration::from_mins(1);

async fn rotate(now: bool, gone: Option<&str>, target: &Target<'_>) -> Result<(), Failure> {
    let admin = target.open().await?;
    let urgency = if now {
        Urgency::Now
    } else {
        Urgency::Scheduled
    };
    // A name that is not there must not cost a rotation.
    if let Some(kid) = gone {
        let keys = admin.keys().await.map_err(|error| refused(&error))?;
        if !keys.iter().any(|key| key.kid.as_str() == kid) {
            return Err(unknown(kid));
        }
    }
    let output = &target.context.output;
    let rotated = if now && gone.is_none() {
        output.note("The new key signs once every node publishes it.");
        admin.rotate_when_published(PUBLISHED_WITHIN).await
    } else {
        if now {
            output
                .note("Not waiting for the nodes: each token of the revoked key may be a forgery.");
        }
        admin.rotate(urgency).await
    };
    rotated.map_err(|error| refused(&error))?;
    if let Some(kid) = gone {
        revoke(&admin, kid, target).await?;
    }
    let keys = admin.keys().await.map_err(|error| refused(&error))?;
    let nodes = admin.nodes().await.map_err(|error| refused(&error))?;
    admin.close().await;
    show(&keys, &nodes, target)
}

async fn revoke(admin: &Admin, kid: &str, target: &Target<'_>) -> Result<(), Failure> {
    if !admin
        .revoke_key(kid)
        .await
        .map_err(|error| refused(&error))?
    {
        return Err(unknown(kid));
    }
    target
        .context
        .output
        .done(&format!("revoked the key {kid}: what it signed is refused"));
    Ok(())
}

fn unknown(kid: &str) -> Failure {
    Failure::with_exit(
        exit_code::USAGE,
        format!("no signing key is called `{kid}`"),
    )
    .hint_to("hallpass admin keys list")
}

async fn reencrypt(target: &Target<'_>) -> Result<(), Failure> {
    let admin = target.open().await?;
    let done = admin.reencrypt().await.map_err(|error| refused(&error))?;
    admin.close().await;
    let (resealed, ring) = done;
    let first = ring.iter().find(|key| key.superseded_at.is_none());
    let first = first.map(|key| key.id).unwrap_or_default();
    let others: Vec<_> = ring
        .iter()
        .filter_map(|key| Some((key.id, key.needed_until?)))
        .collect();
    if target.context.output.is_json() {
        let others: Vec<_> = others
            .iter()
            .map(|(id, until)| json!({"id": id, "needed_until": day(until.unix_millis())}))
            .collect();
        return Output::answer_json(&json!({
            "schema": "hallpass.admin.reencrypt/1",
            "resealed": resealed,
            "first": first,
            "others": others,
        }));
    }
    let mut text =
        format!("{resealed} values sealed again; everything is sealed with key {first}\n");
    for (id, until) in others {
        let until = day(until.unix_millis());
        let line = format!(
            "key {id} must stay in the ring until {until}: tokens that it made live so long\n"
        );
        text.push_str(&line);
    }
    Output::answer(&text)
}

fn new_ring(file: &Path, from: Option<&Path>, target: &Target<'_>) -> Result<(), Failure> {
    let failed = |error: KeyRingError| Failure::config(error.to_string()).hint_to(error.hint());
    let ring = match from {
        None => KeyRing::generate(&SystemRandom),
        Some(from) => KeyRing::read(from)
            .map_err(failed)?
            .with_new_first(&SystemRandom)
            .ok_or_else(|| Failure::config("the ring has all 255 keys").hint_to("drop old ones"))?,
    };
    key_ring::create(file, &ring, SystemClock.now()).map_err(failed)?;
    let ids: Vec<_> = ring.ids().iter().map(u8::to_string).collect();
    target.context.output.done(&format!(
        "made the key ring `{}` with the keys {}; keep a copy apart from the database",
        file.display(),
        ids.join(", ")
    ));
    Ok(())
}

fn show(keys: &[KeyRow], nodes: &[Node], target: &Target<'_>) -> Result<(), Failure> {
    let rows: Vec<_> = keys
        .iter()
        .map(|key| {
            let (state, until) = match key.state {
                KeyState::Next { signs_from } => ("next", Some(signs_from)),
                KeyState::Active { until } => ("active", until),
                KeyState::Retiring { until } => ("retiring", until),
            };
            let until = until.map(|until| day(until.unix_millis()));
            (key, state, until)
        })
        .collect();
    if target.context.output.is_json() {
        let keys: Vec<_> = rows
            .iter()
            .map(|(key, state, until)| {
                json!({
                    "kid": key.kid.as_str(),
                    "algorithm": key.algorithm.as_str(),
                    "state": state,
                    "until": until,
                })
            })
            .collect();
        let nodes: Vec<_> = nodes
            .iter()
            .map(|node| {
                json!({
                    "id": hex::encode(&node.id),
                    "ring": ring_ids(node),
                    "kids": node.kids,
                    "seen_at": day(node.seen_at.unix_millis()),
                })
            })
            .collect();
        return Output::answer_json(
            &json!({"schema": "hallpass.admin.keys/1", "keys": keys, "nodes": nodes}),
        );
    }
    let mut text = String::new();
    for (key, state, until) in rows {
        let until = until.unwrap_or_default();
        let line = format!(
            "{:<24} {:<6} {state:<9} {until}\n",
            key.kid.as_str(),
            key.algorithm.as_str()
        );
        text.push_str(&line);
    }
    if text.is_empty() {
        text.push_str("no keys yet: the first start of the server makes them\n");
    }
    for node in nodes {
        let ids: Vec<_> = ring_ids(node).iter().map(u8::to_string).collect();
        let line = format!(
            "node {}  key ring {}  publishes {} of these  seen {}\n",
            hex::encode(&node.id),
            ids.join(", "),
            keys.iter()
                .filter(|key| node.kids.contains(&key.kid))
                .count(),
            day(node.seen_at.unix_millis())
        );
        text.push_str(&line);
    }
    Output::answer(&text)
}

/// The keys of a node's ring, the first one first.
fn ring_ids(node: &Node) -> Vec<u8> {
    node.ring.iter().map(|(id, _)| *id).collect()
}

fn day(millis: i64) -> String {
    let at = jiff::Timestamp::from_millisecond(millis).unwrap_or_default();
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
