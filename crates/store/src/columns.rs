//! How our types stand in columns: the same four kinds of value on every engine.

use std::borrow::Cow;
use std::net::IpAddr;
use std::time::Duration;

use hallpass_issuer::browser_session::BrowserSessionId;
use hallpass_issuer::tokens::one_time::SecretHash;
use hallpass_protocol::jose::Algorithm;
use hallpass_protocol::pkce::CodeChallenge;
use hallpass_protocol::{AuthorizationId, ClientId, KeyId, Scopes, Timestamp, UserId};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::StoreError;

/// What a column holds.
#[derive(Clone, Debug)]
pub(crate) enum Value<'a> {
    Null,
    Integer(i64),
    Text(Cow<'a, str>),
    Blob(Cow<'a, [u8]>),
}

impl Value<'_> {
    /// A value that outlives what it was made from.
    pub(crate) fn into_owned(self) -> Value<'static> {
        match self {
            Self::Null => Value::Null,
            Self::Integer(number) => Value::Integer(number),
            Self::Text(text) => Value::Text(text.into_owned().into()),
            Self::Blob(bytes) => Value::Blob(bytes.into_owned().into()),
        }
    }
}

/// A type that goes into a column.
pub(crate) trait Bind {
    fn bind(&self) -> Value<'_>;
}

/// A type that comes out of a column; `None` when the column holds something else.
pub(crate) trait Column: Sized {
    fn read(value: Value<'_>) -> Option<Self>;
}

/// A column of JSON, on its way out.
pub(crate) struct Json<T>(pub(crate) T);

/// A record as JSON, on its way in.
pub(crate) fn json<T: Serialize>(record: &T) -> Result<String, StoreError> {
    serde_json::to_string(record)
        .map_err(|_| StoreError::Corrupt("a record cannot be written as JSON".to_owned()))
}

impl<T: DeserializeOwned> Column for Json<T> {
    fn read(value: Value<'_>) -> Option<Self> {
        serde_json::from_str(&text(value)?).ok().map(Self)
    }
}

impl<T: Bind> Bind for Option<T> {
    fn bind(&self) -> Value<'_> {
        self.as_ref().map_or(Value::Null, Bind::bind)
    }
}

impl<T: Column> Column for Option<T> {
    fn read(value: Value<'_>) -> Option<Self> {
        if matches!(value, Value::Null) {
            Some(None)
        } else {
            T::read(value).map(Some)
        }
    }
}

impl<T: Bind + ?Sized> Bind for &T {
    fn bind(&self) -> Value<'_> {
        (**self).bind()
    }
}

impl Bind for str {
    fn bind(&self) -> Value<'_> {
        Value::Text(Cow::Borrowed(self))
    }
}

impl Bind for String {
    fn bind(&self) -> Value<'_> {
        self.as_str().bind()
    }
}

impl Column for String {
    fn read(value: Value<'_>) -> Option<Self> {
        text(value).map(Cow::into_owned)
    }
}

impl Bind for i64 {
    fn bind(&self) -> Value<'_> {
        Value::Integer(*self)
    }
}

impl Column for i64 {
    fn read(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Integer(number) => Some(number),
            Value::Null | Value::Text(_) | Value::Blob(_) => None,
        }
    }
}

impl Bind for u32 {
    fn bind(&self) -> Value<'_> {
        Value::Integer(i64::from(*self))
    }
}

impl Column for u32 {
    fn read(value: Value<'_>) -> Option<Self> {
        i64::read(value)?.try_into().ok()
    }
}

impl Bind for bool {
    fn bind(&self) -> Value<'_> {
        Value::Integer(i64::from(*self))
    }
}

impl Column for bool {
    fn read(value: Value<'_>) -> Option<Self> {
        match i64::read(value)? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

impl Bind for Vec<u8> {
    fn bind(&self) -> Value<'_> {
        Value::Blob(self.into())
    }
}

impl Column for Vec<u8> {
    fn read(value: Value<'_>) -> Option<Self> {
        blob(value).map(Cow::into_owned)
    }
}

impl Bind for [u8; 16] {
    fn bind(&self) -> Value<'_> {
        Value::Blob(self.as_slice().into())
    }
}

impl Column for [u8; 16] {
    fn read(value: Value<'_>) -> Option<Self> {
        blob(value)?.as_ref().try_into().ok()
    }
}

impl Bind for Timestamp {
    fn bind(&self) -> Value<'_> {
        Value::Integer(self.unix_millis())
    }
}

impl Column for Timestamp {
    fn read(value: Value<'_>) -> Option<Self> {
        i64::read(value).map(Self::from_unix_millis)
    }
}

/// A span of time is whole milliseconds.
impl Bind for Duration {
    fn bind(&self) -> Value<'_> {
        Value::Integer(i64::try_from(self.as_millis()).unwrap_or(i64::MAX))
    }
}

impl Column for Duration {
    fn read(value: Value<'_>) -> Option<Self> {
        u64::try_from(i64::read(value)?).ok().map(Self::from_millis)
    }
}

impl Bind for SecretHash {
    fn bind(&self) -> Value<'_> {
        Value::Blob(self.as_bytes().as_slice().into())
    }
}

impl Column for SecretHash {
    fn read(value: Value<'_>) -> Option<Self> {
        blob(value)?.as_ref().try_into().ok().map(Self::from_bytes)
    }
}

impl Bind for BrowserSessionId {
    fn bind(&self) -> Value<'_> {
        Value::Blob(self.as_bytes().as_slice().into())
    }
}

impl Column for BrowserSessionId {
    fn read(value: Value<'_>) -> Option<Self> {
        blob(value)?.as_ref().try_into().ok().map(Self::from_bytes)
    }
}

impl Bind for AuthorizationId {
    fn bind(&self) -> Value<'_> {
        Value::Blob(self.as_bytes().as_slice().into())
    }
}

impl Column for AuthorizationId {
    fn read(value: Value<'_>) -> Option<Self> {
        blob(value)?.as_ref().try_into().ok().map(Self::from_bytes)
    }
}

macro_rules! as_text {
    ($($name:ty: $show:expr, $parse:expr;)*) => {$(
        impl Bind for $name {
            fn bind(&self) -> Value<'_> {
                let show: fn(&$name) -> Cow<'_, str> = $show;
                Value::Text(show(self))
            }
        }

        impl Column for $name {
            fn read(value: Value<'_>) -> Option<Self> {
                let parse: fn(&str) -> Option<$name> = $parse;
                parse(&text(value)?)
            }
        }
    )*};
}

as_text! {
    ClientId: |id| id.as_str().into(), |text| Some(Self::new(text));
    UserId: |id| id.as_str().into(), |text| Some(Self::new(text));
    KeyId: |id| id.as_str().into(), |text| Some(Self::new(text));
    Scopes: |scopes| scopes.to_string().into(), |text| Self::parse(text).ok();
    IpAddr: |address| address.to_string().into(), |text| text.parse().ok();
    Algorithm: |algorithm| algorithm.as_str().into(), |text| text.parse().ok();
    CodeChallenge: |challenge| challenge.as_str().into(), |text| Self::parse(text).ok();
}

fn text(value: Value<'_>) -> Option<Cow<'_, str>> {
    match value {
        Value::Text(text) => Some(text),
        Value::Null | Value::Integer(_) | Value::Blob(_) => None,
    }
}

fn blob(value: Value<'_>) -> Option<Cow<'_, [u8]>> {
    match value {
        Value::Blob(bytes) => Some(bytes),
        Value::Null | Value::Integer(_) | Value::Text(_) => None,
    }
}
