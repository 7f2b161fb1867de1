//! A certificate for `localhost` that nobody vouches for: made at start, gone at the end.
//!
//! RFC 5280 §4.2.1.6 (`subjectAltName`): <https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1.6>

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hallpass_protocol::time::SystemClock;
use hallpass_protocol::{Clock as _, Secret};
use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, SanType,
};

use super::Identity;
use crate::error::Fault;

/// How long it holds.
const DAYS: i64 = 365;
const DAY: i64 = 24 * 60 * 60;

/// Makes a P-256 key and its certificate.
pub(super) fn make() -> Result<Identity, Fault> {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = DistinguishedName::new();
    parameters
        .distinguished_name
        .push(DnType::CommonName, "localhost");
    parameters.subject_alt_names = vec![
        SanType::DnsName("localhost".try_into()?),
        SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        SanType::IpAddress(IpAddr::V6(Ipv6Addr::LOCALHOST)),
    ];
    parameters.is_ca = IsCa::ExplicitNoCa;
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    // Peers look at their own clock: a stopped one (`tokenProvider.systemTime`) does not count here.
    let today = SystemClock.now().unix_seconds() / DAY * DAY;
    let (first, last) = (date(today)?, date(today + DAYS * DAY)?);
    parameters.not_before = rcgen::date_time_ymd(first.0, first.1, first.2);
    parameters.not_after = rcgen::date_time_ymd(last.0, last.1, last.2);
    let key = KeyPair::generate()?;
    let certificate = parameters.self_signed(&key)?;
    Ok(Identity {
        chain: vec![certificate.der().to_vec()],
        key: Secret::new(key.serialize_der()),
    })
}

/// Year, month and day of a time in Unix seconds.
fn date(seconds: i64) -> Result<(i32, u8, u8), Fault> {
    let day = jiff::Timestamp::from_second(seconds)
        .map_err(|_| Fault::new("the clock shows no date"))?
        .to_zoned(jiff::tz::TimeZone::UTC)
        .date();
    let number = |part: i8| u8::try_from(part).unwrap_or(1);
    Ok((day.year().into(), number(day.month()), number(day.day())))
}
