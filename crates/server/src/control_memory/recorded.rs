//! A request as it is kept: one block of bytes, taken apart only when somebody asks.
//!
//! The request's own buffers would keep the whole read buffer of its connection alive.

use hallpass_protocol::Timestamp;
use http::{Method, StatusCode};

use crate::request::Request;

/// One request, as bytes.
#[derive(Debug)]
pub(crate) struct Recorded {
    pub(crate) id: u64,
    at: Timestamp,
    method: Method,
    pub(crate) endpoint: &'static str,
    /// Path, query, issuer, then name and value of every header, then the body.
    text: Box<[u8]>,
    path: u32,
    query: u32,
    issuer: u32,
    /// The length of the name and of the value of each header.
    headers: Box<[(u16, u16)]>,
    pub(crate) outcome: Outcome,
}

/// The same request in its parts, as text.
#[derive(Debug)]
pub(crate) struct Unpacked {
    pub(crate) id: u64,
    pub(crate) at: Timestamp,
    pub(crate) method: Method,
    pub(crate) endpoint: &'static str,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) issuer: String,
    /// As they came; a name may come twice.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    pub(crate) outcome: Outcome,
}

/// What became of it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Outcome {
    Unanswered,
    HungUp,
    Answered(StatusCode),
}

impl Recorded {
    /// Copies a request; its number comes with the list.
    pub(crate) fn new(request: &Request, endpoint: &'static str) -> Self {
        let length = |text: &[u8]| u32::try_from(text.len()).unwrap_or(u32::MAX);
        let short = |text: &[u8]| u16::try_from(text.len()).unwrap_or(u16::MAX);
        let headers: Box<[_]> = request
            .headers
            .iter()
            .map(|(name, value)| (short(name.as_str().as_bytes()), short(value.as_bytes())))
            .collect();
        let of_headers = headers
            .iter()
            .map(|(name, value)| usize::from(*name) + usize::from(*value));
        let whole = request.path.len()
            + request.query.len()
            + request.issuer.len()
            + of_headers.sum::<usize>()
            + request.body.len();
        let mut text = Vec::with_capacity(whole);
        text.extend_from_slice(request.path.as_bytes());
        text.extend_from_slice(request.query.as_bytes());
        text.extend_from_slice(request.issuer.as_bytes());
        for ((name, value), (of_name, of_value)) in request.headers.iter().zip(&headers) {
            // A head of 16 KiB holds nothing longer than its length here says.
            let name = name.as_str().as_bytes().get(..usize::from(*of_name));
            let value = value.as_bytes().get(..usize::from(*of_value));
            text.extend_from_slice(name.unwrap_or_default());
            text.extend_from_slice(value.unwrap_or_default());
        }
        text.extend_from_slice(&request.body);
        Self {
            id: 0,
            at: request.now,
            method: request.method.clone(),
            endpoint,
            path: length(request.path.as_bytes()),
            query: length(request.query.as_bytes()),
            issuer: length(request.issuer.as_bytes()),
            text: text.into_boxed_slice(),
            headers,
            outcome: Outcome::Unanswered,
        }
    }

    /// What it costs in bytes.
    pub(crate) fn weight(&self) -> usize {
        size_of::<Self>() + self.text.len() + size_of_val(&*self.headers)
    }

    /// Its path.
    pub(crate) fn path(&self) -> &[u8] {
        self.text.get(..self.path as usize).unwrap_or_default()
    }

    /// The path of its issuer.
    pub(crate) fn issuer(&self) -> &[u8] {
        let start = self.path as usize + self.query as usize;
        self.text
            .get(start..start + self.issuer as usize)
            .unwrap_or_default()
    }

    /// Takes it apart.
    pub(crate) fn unpack(&self) -> Unpacked {
        let mut rest = &*self.text;
        let mut next = |length: usize| {
            let (part, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
            rest = after;
            String::from_utf8_lossy(part).into_owned()
        };
        let path = next(self.path as usize);
        let query = next(self.query as usize);
        let issuer = next(self.issuer as usize);
        let mut header = |(name, value): &(u16, u16)| {
            let name = next(usize::from(*name));
            (name, next(usize::from(*value)))
        };
        let headers = self.headers.iter().map(&mut header).collect();
        Unpacked {
            id: self.id,
            at: self.at,
            method: self.method.clone(),
            endpoint: self.endpoint,
            path,
            query,
            issuer,
            headers,
            body: next(usize::MAX),
            outcome: self.outcome,
        }
    }
}
