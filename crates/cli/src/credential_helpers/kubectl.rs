//! `hallpass credential kubectl`: the credential plugins of client-go
//! <https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins>.

use std::time::Duration;

use hallpass_client::{Timestamp, clean};
use serde::Deserialize;
use serde_json::json;

use super::asked::Asked;
use super::lookup;
use crate::args::ClusterToken;
use crate::commands::Context;
use crate::config::{Helper, HelperPlace};
use crate::failure::Failure;
use crate::moment;
use crate::output::Output;

/// What kubectl tells in `KUBERNETES_EXEC_INFO`, as far as it matters.
#[derive(Deserialize)]
struct ExecCredential {
    #[serde(rename = "apiVersion")]
    api_version: String,
    #[serde(default)]
    spec: Spec,
}

#[derive(Default, Deserialize)]
struct Spec {
    cluster: Option<Cluster>,
}

#[derive(Deserialize)]
struct Cluster {
    server: String,
    #[serde(default, rename = "insecure-skip-tls-verify")]
    is_unchecked: bool,
}

/// Answers.
pub(crate) fn run(token_type: ClusterToken, context: &Context) -> Result<(), Failure> {
    let text = context.environment.text(VARIABLE);
    let text = text.ok_or_else(|| {
        Failure::usage(format!(
            "{VARIABLE} is not set: kubectl starts this command"
        ))
        .hint_to("hallpass setup kubectl CONTEXT")
    })?;
    let asked: ExecCredential = serde_json::from_str(text).map_err(|error| {
        Failure::config(format!("{VARIABLE} is not understood"))
            .caused_by(&error)
            .hint_to("it is kubectl that sets it: run `hallpass setup kubectl CONTEXT`")
    })?;
    if !VERSIONS.contains(&asked.api_version.as_str()) {
        let version = clean::text(&asked.api_version);
        return Err(Failure::config(format!(
            "the version `{version}` of this protocol is not known"
        ))
        .hint_to(format!(
            "write `apiVersion: {}` in the kubeconfig",
            VERSIONS[0]
        )));
    }
    // Row C-76: without the address of the cluster nobody knows where the token goes.
    let cluster = asked.spec.cluster.ok_or_else(|| {
        Failure::config("kubectl does not say which cluster the token is for")
            .hint_to("write `provideClusterInfo: true` in the kubeconfig, or run `hallpass setup kubectl CONTEXT`")
    })?;
    // Without the check of the certificate, https is a word: whoever is between gets the token.
    if cluster.is_unchecked {
        return Err(Failure::config(
            "the kubeconfig turns off the check of the cluster's certificate",
        )
        .hint_to("write `certificate-authority` there instead of `insecure-skip-tls-verify`"));
    }
    let found = match HelperPlace::of_url(&cluster.server) {
        Some(place) => find(token_type, Asked::new(Helper::Kubectl, &place), context)?,
        None => None,
    };
    let found = found.ok_or_else(|| {
        let server = clean::text(&cluster.server);
        Failure::config(format!("no profile is set up for {server}"))
            .hint_to("hallpass setup kubectl CONTEXT")
    })?;
    let end = found
        .expires_at
        .map(|at| moment::rfc3339(a_little_before(at)));
    let mut status = json!({"token": found.token.expose()});
    if let (Some(members), Some(end)) = (status.as_object_mut(), end) {
        members.insert("expirationTimestamp".to_owned(), json!(end));
    }
    Output::answer_json(&json!({
        "apiVersion": asked.api_version,
        "kind": "ExecCredential",
        "status": status,
    }))
}

fn find(
    token_type: ClusterToken,
    asked: Asked<'_>,
    context: &Context,
) -> Result<Option<lookup::Found>, Failure> {
    match token_type {
        ClusterToken::Id => lookup::id_token(asked, context),
        ClusterToken::Access => lookup::access_token(asked, context),
    }
}

/// kubectl asks again at the end that it is told: a request that is under way then must still be good.
fn a_little_before(end: Timestamp) -> Timestamp {
    let margin = i64::try_from(MARGIN.as_millis()).unwrap_or(0);
    Timestamp::from_unix_millis(end.unix_millis().saturating_sub(margin))
}

const VARIABLE: &str = "KUBERNETES_EXEC_INFO";
const VERSIONS: [&str; 2] = [
    "client.authentication.k8s.io/v1",
    "client.authentication.k8s.io/v1beta1",
];
const MARGIN: Duration = Duration::from_secs(30);
