//! One event with all that is told of it, and how it stands in a chain.
//!
//! Who it was and where they were enters the hash of a record as a salted hash of its own. So it can be
//! cleared later, salt and all, and the chain still holds.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use aws_lc_rs::digest::{Context, SHA256};
use hallpass_protocol::random::{self, Random};
use hallpass_protocol::{AuthorizationId, ClientId, Timestamp, UserId};
use serde_json::Value;

use super::event::{Event, Outcome};
use super::node_id::NodeId;

/// Who did it, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A person who is signed in, or was about to be.
    User(UserId),
    /// A program, without anybody who looks at it.
    Client(ClientId),
    /// Whoever may run commands on the database.
    Operator,
    /// The server, by itself.
    System,
}

impl Actor {
    fn spell(&self) -> String {
        match self {
            Self::User(id) => format!("user:{id}"),
            Self::Client(id) => format!("client:{id}"),
            Self::Operator => "operator".to_owned(),
            Self::System => "system".to_owned(),
        }
    }
}

/// What is special about one event. Names come from the code, values are short; a secret has no business
/// here, whatever it opens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Detail(BTreeMap<&'static str, Value>);

impl fmt::Display for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(&self.0).unwrap_or_default())
    }
}

/// An event, before it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// What.
    pub event: Event,
    /// Who did it.
    pub actor: Option<Actor>,
    /// Whom it is about.
    pub subject: Option<UserId>,
    /// Which client it is about.
    pub client: Option<ClientId>,
    /// Which sign-in it is about.
    pub sid: Option<AuthorizationId>,
    /// From which address.
    pub ip: Option<IpAddr>,
    /// With which program, as it spoke of itself.
    pub user_agent: Option<String>,
    /// What the person was shown to ask about it.
    pub reference: Option<String>,
    /// What else is told.
    pub detail: Detail,
}

impl Entry {
    /// An event of which nothing is told yet.
    pub fn new(event: Event, at: Timestamp) -> Self {
        Self {
            at,
            event,
            actor: None,
            subject: None,
            client: None,
            sid: None,
            ip: None,
            user_agent: None,
            reference: None,
            detail: Detail::default(),
        }
    }

    /// Says who did it.
    #[must_use]
    pub fn by(mut self, actor: Actor) -> Self {
        self.actor = Some(actor);
        self
    }

    /// Says that a person did it to what is theirs.
    #[must_use]
    pub fn by_subject(self, user: &UserId) -> Self {
        self.by(Actor::User(user.clone())).about(user)
    }

    /// Says that a client did it.
    #[must_use]
    pub fn by_client(self, client: &ClientId) -> Self {
        self.by(Actor::Client(client.clone())).with_client(client)
    }

    /// Says whom it is about.
    #[must_use]
    pub fn about(mut self, user: &UserId) -> Self {
        // An authorization without a person has an empty name.
        self.subject = (!user.as_str().is_empty()).then(|| user.clone());
        self
    }

    /// Says which client it is about.
    #[must_use]
    pub fn with_client(mut self, client: &ClientId) -> Self {
        self.client = Some(client.clone());
        self
    }

    /// Says which sign-in it is about.
    #[must_use]
    pub fn with_sid(mut self, sid: AuthorizationId) -> Self {
        self.sid = Some(sid);
        self
    }

    /// Says from where it came.
    #[must_use]
    pub fn from_place(mut self, ip: IpAddr, user_agent: Option<&str>) -> Self {
        self.ip = Some(ip);
        self.user_agent = user_agent.map(|text| shortened(text, LONGEST_USER_AGENT));
        self
    }

    /// Says what the person was shown to ask about it.
    #[must_use]
    pub fn with_reference(mut self, reference: &str) -> Self {
        self.reference = Some(shortened(reference, LONGEST_VALUE));
        self
    }

    /// Tells one thing more. Long texts are cut: a record is no place for what somebody sent.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        let mut value = value.into();
        if let Value::String(text) = &mut value {
            *text = shortened(text, LONGEST_VALUE);
        }
        self.detail.0.insert(name, value);
        self
    }

    /// Makes the record that goes into a chain.
    pub fn veil(&self, random: &dyn Random) -> Unlinked {
        let veil = |value: Option<String>| value.map(|value| Veiled::over(value, random));
        Unlinked {
            at: self.at,
            event: self.event.as_str().to_owned(),
            outcome: self.event.outcome().as_str().to_owned(),
            client: self.client.as_ref().map(|id| cleaned(id.as_str())),
            sid: self.sid,
            reference: self.reference.clone(),
            detail: (!self.detail.0.is_empty()).then(|| cleaned(&self.detail.to_string())),
            actor: veil(self.actor.as_ref().map(|actor| cleaned(&actor.spell()))),
            subject: veil(self.subject.as_ref().map(|id| cleaned(id.as_str()))),
            ip: veil(self.ip.map(|ip| ip.to_string())),
            user_agent: veil(self.user_agent.clone()),
        }
    }

    /// How it is to be read.
    pub fn outcome(&self) -> Outcome {
        self.event.outcome()
    }
}

/// A personal value: in clear, with its salt, until it is cleared. Its hash stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Veiled {
    /// The value, and the salt without which the hash would give it away to whoever tries them all.
    pub shown: Option<(String, [u8; 16])>,
    /// SHA-256 of both.
    pub hash: [u8; 32],
}

impl Veiled {
    fn over(value: String, random: &dyn Random) -> Self {
        let salt = random::bytes(random);
        Self {
            hash: veil(&value, salt),
            shown: Some((value, salt)),
        }
    }

    /// The value, unless it was cleared.
    pub fn value(&self) -> Option<&str> {
        self.shown.as_ref().map(|(value, _)| value.as_str())
    }

    /// Whether the value is the one that was written.
    pub(super) fn holds(&self) -> bool {
        let shown = self.shown.as_ref();
        shown.is_none_or(|(value, salt)| veil(value, *salt) == self.hash)
    }
}

/// A record that has no place in a chain yet. Its texts are as they are stored: what somebody changed
/// there is read as it is, and does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unlinked {
    /// When it happened.
    pub at: Timestamp,
    /// The name of the [`Event`].
    pub event: String,
    /// The name of the [`Outcome`].
    pub outcome: String,
    /// Which client it is about.
    pub client: Option<String>,
    /// Which sign-in it is about.
    pub sid: Option<AuthorizationId>,
    /// What the person was shown to ask about it.
    pub reference: Option<String>,
    /// A JSON object.
    pub detail: Option<String>,
    /// Who did it.
    pub actor: Option<Veiled>,
    /// Whom it is about.
    pub subject: Option<Veiled>,
    /// From which address.
    pub ip: Option<Veiled>,
    /// With which program.
    pub user_agent: Option<Veiled>,
}

/// A record in its chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The node whose chain it is.
    pub node: NodeId,
    /// Its place there, from 1.
    pub seq: u64,
    /// The hash of the record before it; zero for the first.
    pub prev_hash: [u8; 32],
    /// Its own.
    pub hash: [u8; 32],
    /// What happened.
    pub content: Unlinked,
}

impl Unlinked {
    /// The personal values, in the order in which they enter the hash.
    pub fn personal(&self) -> [Option<&Veiled>; 4] {
        let Self {
            actor,
            subject,
            ip,
            user_agent,
            ..
        } = self;
        [actor, subject, ip, user_agent].map(Option::as_ref)
    }

    /// The hash of this at a place of a chain. Every field has its length before it, so that no two
    /// records run into the same bytes.
    pub(super) fn hash(&self, node: &NodeId, seq: u64, prev_hash: &[u8; 32]) -> [u8; 32] {
        let mut context = Context::new(&SHA256);
        context.update(b"hallpass audit record 1");
        context.update(prev_hash);
        context.update(node.as_bytes());
        context.update(&seq.to_be_bytes());
        context.update(&self.at.unix_millis().to_be_bytes());
        let sid = self.sid.as_ref().map(|sid| sid.as_bytes().as_slice());
        for field in [
            Some(self.event.as_bytes()),
            Some(self.outcome.as_bytes()),
            self.client.as_deref().map(str::as_bytes),
            sid,
            self.reference.as_deref().map(str::as_bytes),
            self.detail.as_deref().map(str::as_bytes),
        ] {
            add(&mut context, field);
        }
        for personal in self.personal() {
            add(&mut context, personal.map(|veiled| veiled.hash.as_slice()));
        }
        finish(context)
    }
}

fn veil(value: &str, salt: [u8; 16]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    context.update(b"hallpass audit value 1");
    context.update(&salt);
    context.update(value.as_bytes());
    finish(context)
}

fn add(context: &mut Context, field: Option<&[u8]>) {
    let Some(bytes) = field else {
        return context.update(&[0]);
    };
    context.update(&[1]);
    context.update(&u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
    context.update(bytes);
}

fn finish(context: Context) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

/// No control characters, and no more than so many letters.
fn shortened(text: &str, longest: usize) -> String {
    let letters = text.chars().filter(|letter| !letter.is_control());
    letters.take(longest).collect()
}

/// PostgreSQL has no texts with NUL.
fn cleaned(text: &str) -> String {
    text.replace('\0', "")
}

const LONGEST_USER_AGENT: usize = 256;
const LONGEST_VALUE: usize = 200;
