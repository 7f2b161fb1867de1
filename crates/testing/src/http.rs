//! Requests and answers, short enough to read a test aloud.
#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test harness fails by panicking"
)]

use std::collections::BTreeMap;

use hallpass_protocol::jose::Unverified;
use reqwest::header::HeaderMap;
use serde_json::Value;

/// An answer, read whole.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: String,
}

impl Answer {
    /// Reads a response to its end.
    pub async fn read(response: reqwest::Response) -> Self {
        let read = Self::try_read(response).await;
        read.expect("the answer is whole")
    }

    /// Reads a response of a server that may die over it.
    pub async fn try_read(response: reqwest::Response) -> Result<Self, reqwest::Error> {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.text().await?;
        Ok(Self {
            status,
            headers,
            body,
        })
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("the body is JSON")
    }

    /// A string member of the JSON body; empty when it is missing.
    pub fn member(&self, name: &str) -> String {
        self.json()
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    }

    /// The claims of a JWT that is a member of the JSON body; nobody checks its signature.
    pub fn claims(&self, name: &str) -> Value {
        claims_of(&self.member(name))
    }

    /// A header as text; empty when it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// Status and `error` of a refusal.
    pub fn refusal(&self) -> (u16, String) {
        (self.status, self.member("error"))
    }

    /// The parameters of the redirect that this answer is.
    pub fn redirect_parameters(&self) -> BTreeMap<String, String> {
        let location = url::Url::parse(self.header("location")).expect("a redirect names a URL");
        location.query_pairs().into_owned().collect()
    }
}

/// The claims of a JWT; nobody checks its signature.
pub fn claims_of(jwt: &str) -> Value {
    let unverified = Unverified::parse(jwt).expect("a signed JWT");
    unverified.peek().expect("claims are a JSON object")
}
