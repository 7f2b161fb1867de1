//! A sign-in at a server that does not know this program yet: it registers itself, and says so.
//!
//! RFC 7591 §3: <https://www.rfc-editor.org/rfc/rfc7591#section-3>, RFC 8252 §7.3, row C-56.

use hallpass_client::{Client, ClientMetadata, Clock as _, RegisteredClient, clean};
use hallpass_protocol::time::SystemClock;

use super::stdin;
use crate::args::LoginArgs;
use crate::commands::Context;
use crate::failure::Failure;
use crate::profile::Profile;

/// Makes sure that the profile has a client id: the one that it has, unless the server has forgotten
/// its registration, or a new one.
pub(super) async fn ensure_client_id(
    args: &LoginArgs,
    profile: &mut Profile,
    context: &Context,
) -> Result<(), Failure> {
    let client = profile.unregistered()?.build()?;
    let kept = profile.registered()?;
    let now = SystemClock.now();
    if let Some(kept) = kept.filter(|kept| !kept.is_expired(now)) {
        if let Some(confirmed) = client.confirm_registration(kept).await? {
            keep(&confirmed, profile)?;
            profile.adopt(&confirmed);
            return Ok(());
        }
        let host = clean::text(profile.issuer()?);
        let text = format!("{host} has forgotten this program; it registers anew");
        context.output.note(&text);
    }
    register(args, &client, profile, context).await
}

async fn register(
    args: &LoginArgs,
    client: &Client,
    profile: &mut Profile,
    context: &Context,
) -> Result<(), Failure> {
    let token = args
        .initial_access_token_file
        .as_deref()
        .map(stdin::read_token_file)
        .transpose()?;
    // Nobody should be registered for a session that cannot be kept.
    profile.store()?.prepare()?;
    let key = profile.private_key()?;
    let path = match &profile.settings.callback_path {
        Some(path) => path.clone(),
        // Row C-34: one of this issuer alone, where its answers do not name it.
        None => client.callback_path().await?,
    };
    let mut asked = client
        .native_metadata(NAME, redirect_uris(args, profile, &path))
        .await?;
    if let Some(key) = &key {
        asked.token_endpoint_auth_method = Some("private_key_jwt".to_owned());
        asked.jwks = Some(key.public_jwks());
    }
    let registered = client.register_with(asked, token.as_ref()).await?;
    if registered.client_auth().is_none() && key.is_none() {
        let text =
            "the server registered this program for a way to authenticate that it has no key for";
        return Err(Failure::config(text).hint_to("name a client id that somebody registered"));
    }
    keep(&registered, profile)?;
    profile.adopt(&registered);
    tell(&registered, profile, context)
}

fn keep(registered: &RegisteredClient, profile: &Profile) -> Result<(), Failure> {
    let (store, issuer) = (profile.store()?, profile.issuer()?);
    Ok(registered.keep(store.as_ref(), issuer, SystemClock.now())?)
}

/// Where the browser comes back to. Servers ignore the port of a loopback address (RFC 8252 §7.3); one
/// that was asked for is named all the same, for those that do not.
fn redirect_uris(args: &LoginArgs, profile: &Profile, path: &str) -> Vec<String> {
    let hosts: &[&str] = if args.sign_in.callback_host.as_deref() == Some("localhost") {
        &["localhost"]
    } else {
        &["127.0.0.1", "[::1]"]
    };
    let ports = profile.settings.callback_ports.iter().flatten();
    let named: Vec<u16> = ports.copied().filter(|port| *port != 0).collect();
    let uri = |host: &&str, port: Option<u16>| {
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        format!("http://{host}{port}{path}")
    };
    if named.is_empty() {
        return hosts.iter().map(|host| uri(host, None)).collect();
    }
    let each = |port: u16| hosts.iter().map(move |host| uri(host, Some(port)));
    named.into_iter().flat_map(each).collect()
}

/// Says what the server now has on record.
fn tell(
    registered: &RegisteredClient,
    profile: &Profile,
    context: &Context,
) -> Result<(), Failure> {
    let ClientMetadata {
        redirect_uris,
        grant_types,
        client_name,
        ..
    } = &registered.metadata;
    let list = |words: &[String]| clean::text(&words.join(" "));
    let output = context.output;
    output.done(&format!(
        "Registered this program with {}",
        clean::text(profile.issuer()?)
    ));
    output.note(&format!(
        "  client id      {}",
        clean::text(&registered.client_id)
    ));
    if let Some(name) = client_name {
        output.note(&format!("  name           {}", clean::text(name)));
    }
    if !redirect_uris.is_empty() {
        output.note(&format!("  redirect URIs  {}", list(redirect_uris)));
    }
    if let Some(grants) = grant_types {
        output.note(&format!("  grants         {}", list(grants)));
    }
    if registered.registration_access_token.is_some() {
        output.note("  kept beside the session, with the token that can change it");
    }
    Ok(())
}

/// What people read on the server's pages.
const NAME: &str = "hallpass";
