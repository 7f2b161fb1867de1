//! What happened: one chain of records for each node, its signed end beside it.
//!
//! A chain is verified by `hallpass_issuer::audit`. Here records are added to its end, found, cleared of
//! what is personal, and removed when they are old, which the server signs too.

use hallpass_issuer::audit::{
    AuditKey, Chain, Finding, Floor, Head, NodeId, Record, Signed, Unlinked, Veiled, Walk,
};
use hallpass_protocol::{AuthorizationId, Timestamp, UserId};

use crate::database::{Row, Transaction};
use crate::error::StoreError;

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT node, seq, at, event, outcome, client_id, sid, ref, detail, actor, actor_veil, \
             subject, subject_veil, ip, ip_veil, user_agent, user_agent_veil, prev_hash, hash \
             FROM audit_events ",
            $rest
        )
    };
}

/// Names the lock of the chain that commands share; any number will do that nothing else uses.
const SHARED_CHAIN: i64 = 7_521_962_890_172_298_101;

/// What became of records that were to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Appended {
    /// They are in the chain, which ends so.
    Kept(Vec<Record>, Signed<Head>),
    /// The chain does not end as it should: somebody changed it, and it stays as it is.
    Broken,
}

/// Puts records to the end of a node's chain and signs it. Whoever knows where the chain should end
/// says so: with several places, since the answer to the last try may have been lost.
pub fn append(
    tx: &Transaction<'_>,
    (node, known): (NodeId, &[Head]),
    contents: &[Unlinked],
    (key, now): (&AuditKey, Timestamp),
) -> Result<Appended, StoreError> {
    take_turns(tx, &node)?;
    let public = key.public();
    let mut head = match find_head(tx, &node)? {
        Some(found) => {
            let is_known = known.is_empty() || known.iter().any(|head| head.is_at(&found.value));
            if !is_known || !public.signed_head(&found) {
                return Ok(Appended::Broken);
            }
            found.value
        }
        None if known.iter().any(|head| head.seq > 0) => return Ok(Appended::Broken),
        None => Head::start(node, now),
    };
    // Whoever put a record behind the end hopes that it will be signed, or stop this chain.
    if count_from(tx, &node, head.seq + 1)? > 0 {
        return Ok(Appended::Broken);
    }
    head.at = now;
    let contents = contents.iter().cloned();
    let records: Vec<Record> = contents.map(|content| head.link(content)).collect();
    for record in &records {
        insert(tx, record)?;
    }
    let signed = key.sign_head(head);
    tx.run(
        "INSERT INTO audit_chains (node, seq, hash, signed_at, signature) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (node) DO UPDATE SET seq = excluded.seq, \
         hash = excluded.hash, signed_at = excluded.signed_at, signature = excluded.signature",
        &[
            node.as_bytes(),
            &number(head.seq),
            &head.hash.to_vec(),
            &head.at,
            &signed.signature.to_vec(),
        ],
    )?;
    Ok(Appended::Kept(records, signed))
}

/// Lets one command at a time add to the chain that all commands share: on a server another one's records
/// could else appear between two looks. A node's own chain has one writer.
fn take_turns(tx: &Transaction<'_>, node: &NodeId) -> Result<(), StoreError> {
    if *node != NodeId::ALONE || !tx.is_remote() {
        return Ok(());
    }
    tx.count(
        "SELECT count(*) FROM pg_advisory_xact_lock($1)",
        &[&SHARED_CHAIN],
    )
    .map(drop)
}

fn insert(tx: &Transaction<'_>, record: &Record) -> Result<(), StoreError> {
    let content = &record.content;
    let shown = |veiled: Option<&Veiled>| veiled.and_then(Veiled::value).map(str::to_owned);
    let personal = content.personal();
    let [actor, subject, ip, user_agent] = personal.map(shown);
    let [actor_veil, subject_veil, ip_veil, user_agent_veil] =
        personal.map(|veiled| veiled.map(write_veil));
    tx.run(
        "INSERT INTO audit_events (node, seq, at, event, outcome, client_id, sid, ref, detail, \
         actor, actor_veil, subject, subject_veil, ip, ip_veil, user_agent, user_agent_veil, \
         prev_hash, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, \
         $15, $16, $17, $18, $19)",
        &[
            record.node.as_bytes(),
            &number(record.seq),
            &content.at,
            &content.event,
            &content.outcome,
            &content.client,
            &content.sid,
            &content.reference,
            &content.detail,
            &actor,
            &actor_veil,
            &subject,
            &subject_veil,
            &ip,
            &ip_veil,
            &user_agent,
            &user_agent_veil,
            &record.prev_hash.to_vec(),
            &record.hash.to_vec(),
        ],
    )
}

fn find_head(tx: &Transaction<'_>, node: &NodeId) -> Result<Option<Signed<Head>>, StoreError> {
    tx.find(
        "SELECT node, seq, hash, signed_at, signature FROM audit_chains WHERE node = $1",
        &[node.as_bytes()],
        load_head,
    )
}

/// How many records stand at a place of a chain or behind it.
fn count_from(tx: &Transaction<'_>, node: &NodeId, seq: u64) -> Result<u64, StoreError> {
    tx.count(
        "SELECT count(*) FROM audit_events WHERE node = $1 AND seq >= $2",
        &[node.as_bytes(), &number(seq)],
    )
}

/// The chains, each as it is at one moment, in the order of their nodes.
pub fn list_chains(tx: &Transaction<'_>) -> Result<Vec<Chain>, StoreError> {
    tx.list(
        "SELECT node, seq, hash, signed_at, signature, floor_seq, floor_hash, floor_signature, \
         (SELECT max(e.seq) FROM audit_events AS e WHERE e.node = audit_chains.node) \
         FROM audit_chains ORDER BY node",
        &[],
        load_chain,
    )
}

/// The ends of the chains that were signed last.
pub fn list_newest_heads(tx: &Transaction<'_>, limit: u32) -> Result<Vec<Head>, StoreError> {
    tx.list(
        "SELECT node, seq, hash, signed_at, signature FROM audit_chains \
         ORDER BY signed_at DESC, node LIMIT $1",
        &[&limit],
        |row| load_head(row).map(|head| head.value),
    )
}

/// The first node with records after a node, whether its chain is known or not.
pub fn find_next_node(
    tx: &Transaction<'_>,
    after: Option<NodeId>,
) -> Result<Option<NodeId>, StoreError> {
    let read = |row: &mut Row<'_>| row.take().map(NodeId::from_bytes);
    let found = match after {
        None => tx.list(
            "SELECT node FROM audit_events ORDER BY node LIMIT 1",
            &[],
            read,
        ),
        Some(node) => tx.list(
            "SELECT node FROM audit_events WHERE node > $1 ORDER BY node LIMIT 1",
            &[node.as_bytes()],
            read,
        ),
    };
    found.map(|nodes| nodes.into_iter().next())
}

/// Records of a chain in its order, after a place and up to one, `limit` at most.
pub fn list_chain(
    tx: &Transaction<'_>,
    (node, after, to): (&NodeId, u64, u64),
    limit: u32,
) -> Result<Vec<Record>, StoreError> {
    const SQL: &str = select!("WHERE node = $1 AND seq > $2 AND seq <= $3 ORDER BY seq LIMIT $4");
    tx.list(
        SQL,
        &[node.as_bytes(), &number(after), &number(to), &limit],
        load,
    )
}

/// What is searched by; everything else a caller tells apart itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// By time alone.
    Time,
    /// What a person was shown to ask about it.
    Reference(String),
    /// A sign-in.
    Sid(AuthorizationId),
    /// A person.
    Subject(UserId),
    /// A client.
    Client(String),
}

/// A place in the order of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    at: Timestamp,
    node: NodeId,
    seq: u64,
}

impl Place {
    /// Behind everything that happened before a time.
    pub fn at(at: Timestamp) -> Self {
        Self {
            at,
            node: NodeId::from_bytes([0; 16]),
            seq: 0,
        }
    }

    /// That of a record.
    pub fn of(record: &Record) -> Self {
        Self {
            at: record.content.at,
            node: record.node,
            seq: record.seq,
        }
    }
}

/// Records before a place and not older than a time, the newest first, `limit` at most.
pub fn list(
    tx: &Transaction<'_>,
    by: &By,
    (before, since): (Place, Timestamp),
    limit: u32,
) -> Result<Vec<Record>, StoreError> {
    const BY_TIME: &str = select!(
        "WHERE (at, node, seq) < ($1, $2, $3) AND at >= $4 \
         ORDER BY at DESC, node DESC, seq DESC LIMIT $5"
    );
    const BY_REFERENCE: &str = select!(
        "WHERE ref = $1 AND (at, node, seq) < ($2, $3, $4) AND at >= $5 \
         ORDER BY at DESC, node DESC, seq DESC LIMIT $6"
    );
    const BY_SID: &str = select!(
        "WHERE sid = $1 AND (at, node, seq) < ($2, $3, $4) AND at >= $5 \
         ORDER BY at DESC, node DESC, seq DESC LIMIT $6"
    );
    const BY_SUBJECT: &str = select!(
        "WHERE subject = $1 AND (at, node, seq) < ($2, $3, $4) AND at >= $5 \
         ORDER BY at DESC, node DESC, seq DESC LIMIT $6"
    );
    const BY_CLIENT: &str = select!(
        "WHERE client_id = $1 AND (at, node, seq) < ($2, $3, $4) AND at >= $5 \
         ORDER BY at DESC, node DESC, seq DESC LIMIT $6"
    );
    let (node, seq) = (before.node.as_bytes(), number(before.seq));
    let at = before.at;
    match by {
        By::Time => tx.list(BY_TIME, &[&at, node, &seq, &since, &limit], load),
        By::Reference(text) => {
            tx.list(BY_REFERENCE, &[text, &at, node, &seq, &since, &limit], load)
        }
        By::Sid(sid) => tx.list(BY_SID, &[sid, &at, node, &seq, &since, &limit], load),
        By::Subject(user) => tx.list(BY_SUBJECT, &[user, &at, node, &seq, &since, &limit], load),
        By::Client(id) => tx.list(BY_CLIENT, &[id, &at, node, &seq, &since, &limit], load),
    }
}

/// Clears where people were, of records until a time, `limit` at most; how many. The chain still holds.
pub fn clear_places(tx: &Transaction<'_>, until: Timestamp, limit: u32) -> Result<u64, StoreError> {
    tx.execute(
        "UPDATE audit_events SET ip = NULL, ip_veil = substr(ip_veil, 1, 32), user_agent = NULL, \
         user_agent_veil = substr(user_agent_veil, 1, 32) WHERE (node, seq) IN \
         (SELECT node, seq FROM audit_events WHERE ip IS NOT NULL AND at <= $1 ORDER BY at LIMIT $2)",
        &[&until, &limit],
    )
}

/// Clears who a person was in all that they did and that was done to them. The chain still holds.
pub fn forget_user(tx: &Transaction<'_>, user: &UserId) -> Result<(), StoreError> {
    tx.run(
        "UPDATE audit_events SET actor = NULL, actor_veil = substr(actor_veil, 1, 32), ip = NULL, \
         ip_veil = substr(ip_veil, 1, 32), user_agent = NULL, \
         user_agent_veil = substr(user_agent_veil, 1, 32) WHERE actor = $1",
        &[&format!("user:{user}")],
    )?;
    tx.run(
        "UPDATE audit_events SET subject = NULL, subject_veil = substr(subject_veil, 1, 32) \
         WHERE subject = $1",
        &[user],
    )
}

/// Removes records until a time from the beginning of a chain, `limit` at most, and signs where it
/// begins then; how many went. A chain that is not the one that was written keeps them: they are what
/// its operator has to look at.
pub fn prune(
    tx: &Transaction<'_>,
    node: NodeId,
    (until, limit): (Timestamp, u32),
    key: &AuditKey,
) -> Result<Result<u64, Finding>, StoreError> {
    const SQL: &str = "SELECT node, seq, hash, signed_at, signature, floor_seq, floor_hash, \
         floor_signature, NULL FROM audit_chains WHERE node = $1";
    let Some(chain) = tx.find(SQL, &[node.as_bytes()], load_chain)? else {
        return Ok(Ok(0));
    };
    let mut walk = match Walk::begin(&chain, &key.public(), &[]) {
        Ok(walk) => walk,
        Err(finding) => return Ok(Err(finding)),
    };
    let before = walk.place();
    let records = list_chain(tx, (&node, before, chain.head.value.seq), limit)?;
    let mut floor = None;
    for record in records
        .iter()
        .take_while(|record| record.content.at <= until)
    {
        if let Err(finding) = walk.step(record) {
            return Ok(Err(finding));
        }
        let (seq, hash) = (record.seq, record.hash);
        floor = Some(Floor { node, seq, hash });
    }
    let Some(floor) = floor else {
        return Ok(Ok(0));
    };
    tx.run(
        "DELETE FROM audit_events WHERE node = $1 AND seq <= $2",
        &[node.as_bytes(), &number(floor.seq)],
    )?;
    let signed = key.sign_floor(floor);
    tx.run(
        "UPDATE audit_chains SET floor_seq = $1, floor_hash = $2, floor_signature = $3 \
         WHERE node = $4",
        &[
            &number(floor.seq),
            &floor.hash.to_vec(),
            &signed.signature.to_vec(),
            node.as_bytes(),
        ],
    )?;
    Ok(Ok(floor.seq - before))
}

/// The chains whose first record is not younger than a time.
pub fn list_old(tx: &Transaction<'_>, until: Timestamp) -> Result<Vec<NodeId>, StoreError> {
    tx.list(
        "SELECT node FROM audit_chains WHERE (SELECT e.at FROM audit_events AS e \
         WHERE e.node = audit_chains.node ORDER BY e.seq LIMIT 1) <= $1 ORDER BY node",
        &[&until],
        |row| row.take().map(NodeId::from_bytes),
    )
}

fn load(row: &mut Row<'_>) -> Result<Record, StoreError> {
    let (node, seq) = (NodeId::from_bytes(row.take()?), place(row.take()?));
    let content = Unlinked {
        at: row.take()?,
        event: row.take()?,
        outcome: row.take()?,
        client: row.take()?,
        sid: row
            .take::<Option<Vec<u8>>>()?
            .map(|id| AuthorizationId::from_bytes(bytes(id))),
        reference: row.take()?,
        detail: row.take()?,
        actor: load_veiled(row)?,
        subject: load_veiled(row)?,
        ip: load_veiled(row)?,
        user_agent: load_veiled(row)?,
    };
    Ok(Record {
        node,
        seq,
        prev_hash: bytes(row.take()?),
        hash: bytes(row.take()?),
        content,
    })
}

/// What does not belong together is read as something that cannot hold, and shows when it is verified.
fn load_veiled(row: &mut Row<'_>) -> Result<Option<Veiled>, StoreError> {
    let value: Option<String> = row.take()?;
    let veil: Option<Vec<u8>> = row.take()?;
    let Some(veil) = veil else {
        return Ok(value.map(|value| Veiled {
            shown: Some((value, [0; 16])),
            hash: [0; 32],
        }));
    };
    let (hash, salt) = veil.split_at_checked(32).unwrap_or_default();
    let salt = <[u8; 16]>::try_from(salt).ok();
    Ok(Some(Veiled {
        hash: bytes(hash.to_vec()),
        shown: value.map(|value| (value, salt.unwrap_or_default())),
    }))
}

fn write_veil(veiled: &Veiled) -> Vec<u8> {
    let salt = veiled.shown.iter().flat_map(|(_, salt)| *salt);
    veiled.hash.into_iter().chain(salt).collect()
}

fn load_head(row: &mut Row<'_>) -> Result<Signed<Head>, StoreError> {
    let value = Head {
        node: NodeId::from_bytes(row.take()?),
        seq: place(row.take()?),
        hash: bytes(row.take()?),
        at: row.take()?,
    };
    let signature = bytes(row.take()?);
    Ok(Signed { value, signature })
}

fn load_chain(row: &mut Row<'_>) -> Result<Chain, StoreError> {
    let head = load_head(row)?;
    let (seq, hash, signature) = (
        row.take::<Option<i64>>()?,
        row.take::<Option<Vec<u8>>>()?,
        row.take::<Option<Vec<u8>>>()?,
    );
    let floor = seq.map(|seq| Signed {
        value: Floor {
            node: head.value.node,
            seq: place(seq),
            hash: bytes(hash.unwrap_or_default()),
        },
        signature: bytes(signature.unwrap_or_default()),
    });
    let last = row.take::<Option<i64>>()?.map(place);
    Ok(Chain { head, floor, last })
}

/// What has another length was changed, and will not fit.
fn bytes<const N: usize>(stored: Vec<u8>) -> [u8; N] {
    stored.try_into().unwrap_or([0; N])
}

fn place(stored: i64) -> u64 {
    u64::try_from(stored).unwrap_or_default()
}

fn number(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}
