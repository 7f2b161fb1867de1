//! Records and signed ends as JSON, one line each: what sinks write, what `hallpass admin audit` prints,
//! what `verify --anchor` reads.

use hallpass_issuer::audit::{
    AuditPublicKey, Entry, Head, NodeId, Record, Signed, Unlinked, Veiled,
};
use hallpass_protocol::{Timestamp, hex};
use serde_json::{Map, Value, json};

/// A record. What is not known of it is left out.
pub fn record(record: &Record) -> Value {
    let mut members = content(&record.content);
    members.insert("node".to_owned(), json!(record.node.to_string()));
    members.insert("seq".to_owned(), json!(record.seq));
    members.insert("hash".to_owned(), json!(hex::encode(&record.hash)));
    Value::Object(members)
}

/// An event that could not be kept in the database: it is in no chain.
pub(super) fn unkept(content_of: &Unlinked) -> Value {
    let mut members = content(content_of);
    members.insert("kept".to_owned(), json!(false));
    Value::Object(members)
}

fn content(content: &Unlinked) -> Map<String, Value> {
    let shown = |veiled: &Option<Veiled>| {
        let value = veiled.as_ref().and_then(Veiled::value);
        value.map_or(Value::Null, Value::from)
    };
    let detail = content
        .detail
        .as_deref()
        .map(|text| serde_json::from_str(text).unwrap_or_else(|_| Value::from(text)));
    let members = [
        ("at", Value::from(time(content.at))),
        ("event", Value::from(content.event.as_str())),
        ("outcome", Value::from(content.outcome.as_str())),
        ("actor", shown(&content.actor)),
        ("subject", shown(&content.subject)),
        ("client", Value::from(content.client.clone())),
        ("sid", Value::from(content.sid.map(|sid| sid.to_string()))),
        ("ip", shown(&content.ip)),
        ("user_agent", shown(&content.user_agent)),
        ("ref", Value::from(content.reference.clone())),
        ("detail", detail.unwrap_or_default()),
    ];
    let members = members.into_iter().filter(|(_, value)| !value.is_null());
    members
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// A signed end, with the public key that it can be checked with by anybody.
pub(super) fn anchor(head: &Signed<Head>, key: &AuditPublicKey) -> Value {
    let value = head.value;
    json!({"anchor": {
        "node": value.node.to_string(),
        "seq": value.seq,
        "hash": hex::encode(&value.hash),
        "at": time(value.at),
        "key": hex::encode(key.as_bytes()),
        "signature": hex::encode(&head.signature),
    }})
}

/// Reads a signed end; `None` for any other line.
pub(super) fn read_anchor(line: &str) -> Option<Signed<Head>> {
    let line: Value = serde_json::from_str(line).ok()?;
    let anchor = line.get("anchor")?;
    let text = |name: &str| anchor.get(name)?.as_str();
    Some(Signed {
        value: Head {
            node: NodeId::parse(text("node")?)?,
            seq: anchor.get("seq")?.as_u64()?,
            hash: hex::decode(text("hash")?)?,
            at: read_time(text("at")?)?,
        },
        signature: hex::decode(text("signature")?)?,
    })
}

/// The chains that a node meets when it starts, as its first record names them.
pub(super) fn with_chains(entry: Entry, heads: &[Head]) -> Entry {
    let chains = heads
        .iter()
        .map(|head| json!([head.node.to_string(), head.seq, hex::encode(&head.hash)]));
    entry.with("chains", Value::Array(chains.collect()))
}

/// RFC 3339 in UTC.
fn time(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.unix_millis())
        .map_or_else(|_| at.unix_millis().to_string(), |time| time.to_string())
}

/// Reads the time of a record.
pub(crate) fn read_time(text: &str) -> Option<Timestamp> {
    let time: jiff::Timestamp = text.parse().ok()?;
    Some(Timestamp::from_unix_millis(time.as_millisecond()))
}
