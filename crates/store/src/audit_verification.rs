//! The check of all chains of audit events that a database has, also while servers add to them.

use std::collections::BTreeMap;

use hallpass_issuer::audit::{
    AuditPublicKey, Chain, Event, Finding, Head, NodeId, Record, Signed, Walk,
};
use hallpass_protocol::hex;
use serde::Deserialize;

use crate::error::StoreError;
use crate::{Store, audit_events};

/// So many records are read at once.
const PAGE: u32 = 1000;

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditReport {
    /// The chains, as far as each holds.
    pub chains: Vec<ChainReport>,
    /// What does not fit: nothing, if nobody touched the records.
    pub findings: Vec<Finding>,
    /// How many anchors were compared.
    pub anchors: usize,
}

/// One chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainReport {
    /// Whose.
    pub node: NodeId,
    /// How many records hold.
    pub records: u64,
    /// How many went before them because they were old.
    pub pruned: u64,
    /// Its signed end.
    pub head: Head,
}

/// Checks every record of every chain, and the chains against anchors. Reads alone.
pub async fn verify_audit(
    store: &Store,
    key: &AuditPublicKey,
    anchors: &[Signed<Head>],
) -> Result<AuditReport, StoreError> {
    let mut report = AuditReport {
        anchors: anchors.len(),
        ..AuditReport::default()
    };
    let mut known = Vec::new();
    for anchor in anchors {
        if key.signed_head(anchor) {
            known.push(anchor.value);
        } else {
            let (node, seq) = (anchor.value.node, anchor.value.seq);
            report.findings.push(Finding::BadAnchor { node, seq });
        }
    }
    let chains = store.read(audit_events::list_chains).await?;
    for chain in &chains {
        known.extend(met_at_start(store, chain).await?);
    }
    for chain in &chains {
        check_chain(store, chain, (key, &known), &mut report).await?;
    }
    add_missing(&chains, &known, &mut report);
    add_headless(store, &chains, &mut report).await?;
    Ok(report)
}

/// The chains that a node met when it started are anchors too: its first record names their ends.
async fn met_at_start(store: &Store, chain: &Chain) -> Result<Vec<Head>, StoreError> {
    let value = chain.head.value;
    let first = store.read(move |tx| audit_events::list_chain(tx, (&value.node, 0, 1), 1));
    let first = first.await?.into_iter().next();
    Ok(first.map(|record| named_in(&record)).unwrap_or_default())
}

#[derive(Deserialize)]
struct Named {
    chains: Vec<(String, u64, String)>,
}

fn named_in(record: &Record) -> Vec<Head> {
    if record.content.event != Event::SystemStarted.as_str() {
        return Vec::new();
    }
    let detail = record.content.detail.as_deref().unwrap_or_default();
    let Ok(named) = serde_json::from_str::<Named>(detail) else {
        return Vec::new();
    };
    let head = |(node, seq, hash): (String, u64, String)| {
        Some(Head {
            node: NodeId::parse(&node)?,
            seq,
            hash: hex::decode(&hash)?,
            at: record.content.at,
        })
    };
    named.chains.into_iter().filter_map(head).collect()
}

async fn check_chain(
    store: &Store,
    chain: &Chain,
    (key, known): (&AuditPublicKey, &[Head]),
    report: &mut AuditReport,
) -> Result<(), StoreError> {
    let mut chain = chain.clone();
    loop {
        let found = walk(store, &chain, (key, known)).await?;
        let finding = match found {
            Ok(good) => {
                report.chains.push(good);
                return Ok(());
            }
            Err(finding) => finding,
        };
        // Meanwhile a server may have removed records that were old: then it begins elsewhere now.
        let node = chain.head.value.node;
        let again = store.read(audit_events::list_chains).await?;
        let again = again.into_iter().find(|one| one.head.value.node == node);
        let Some(moved) = again.filter(|again| again.floor != chain.floor) else {
            report.findings.push(finding);
            return Ok(());
        };
        chain = moved;
    }
}

async fn walk(
    store: &Store,
    chain: &Chain,
    (key, known): (&AuditPublicKey, &[Head]),
) -> Result<Result<ChainReport, Finding>, StoreError> {
    let mut walk = match Walk::begin(chain, key, known) {
        Ok(walk) => walk,
        Err(finding) => return Ok(Err(finding)),
    };
    let (head, pruned) = (chain.head.value, walk.place());
    loop {
        let after = walk.place();
        let page =
            store.read(move |tx| audit_events::list_chain(tx, (&head.node, after, head.seq), PAGE));
        let page = page.await?;
        for record in &page {
            if let Err(finding) = walk.step(record) {
                return Ok(Err(finding));
            }
        }
        if page.is_empty() {
            break;
        }
    }
    let records = walk.place() - pruned;
    Ok(walk.finish().map(|()| ChainReport {
        node: head.node,
        records,
        pruned,
        head,
    }))
}

/// The chains that are known of and not there.
fn add_missing(chains: &[Chain], known: &[Head], report: &mut AuditReport) {
    let is_there = |node| chains.iter().any(|chain| chain.head.value.node == node);
    let mut missing: BTreeMap<NodeId, u64> = BTreeMap::new();
    for head in known.iter().filter(|head| !is_there(head.node)) {
        let seq = missing.entry(head.node).or_default();
        *seq = head.seq.max(*seq);
    }
    let missing = missing.into_iter();
    let finding = missing.map(|(node, seq)| Finding::Missing { node, seq });
    report.findings.extend(finding);
}

/// The records whose chain the server says nothing of.
async fn add_headless(
    store: &Store,
    chains: &[Chain],
    report: &mut AuditReport,
) -> Result<(), StoreError> {
    let is_there =
        |chains: &[Chain], node| chains.iter().any(|chain| chain.head.value.node == node);
    let mut after = None;
    while let Some(node) = store
        .read(move |tx| audit_events::find_next_node(tx, after))
        .await?
    {
        after = Some(node);
        if is_there(chains, node) {
            continue;
        }
        // A node that started a moment ago.
        let now = store.read(audit_events::list_chains).await?;
        if !is_there(&now, node) {
            report.findings.push(Finding::Headless { node });
        }
    }
    Ok(())
}
