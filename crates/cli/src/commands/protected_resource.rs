//! Addresses of APIs instead of servers: the API itself says who gives tokens for it.
//!
//! RFC 9728: <https://www.rfc-editor.org/rfc/rfc9728>; row C-75. What is found that way never makes a token
//! go to an address that the profile does not list, unless a person says so.

use hallpass_client::flow::{self, Offers, Way};
use hallpass_client::{ProtectedResource, TerminalUi, Ui as _, clean};

use crate::commands::Context;
use crate::config::{Target, Wish};
use crate::failure::Failure;
use crate::profile::Profile;
use crate::runtime;
use crate::said::DEFAULT_SCOPES;

/// Finds server, scopes and resource of a profile that names only an API.
pub(super) async fn find_server(profile: &mut Profile, context: &Context) -> Result<(), Failure> {
    let settings = &profile.settings;
    let Some(address) = settings.resource.iter().flatten().next().cloned() else {
        return Ok(());
    };
    if settings.issuer.is_some() || settings.provider.is_some() {
        return Ok(());
    }
    let found = ProtectedResource::discover(&address, profile.transport()?).await?;
    let issuer = found.server(None).to_owned();
    let (api, server) = (clean::text(&address), clean::text(&issuer));
    context
        .output
        .note(&format!("Tokens for {api} come from {server}"));
    let settings = &mut profile.settings;
    settings.issuer = Some(issuer);
    if let Some(first) = settings.resource.iter_mut().flatten().next() {
        *first = found.resource;
    }
    if settings.scopes.is_none() {
        let mut scopes = DEFAULT_SCOPES.map(str::to_owned).to_vec();
        scopes.extend(
            found
                .scopes
                .into_iter()
                .filter(|it| !DEFAULT_SCOPES.contains(&it.as_str())),
        );
        settings.scopes = Some(scopes);
    }
    if found.requires_dpop && settings.dpop.is_none() {
        settings.dpop = Some(Wish::Required);
    }
    Ok(())
}

/// Whether a token of the profile may go to an address. About one that it does not list a person is
/// asked once, if the API says that it takes tokens of this server.
pub(super) fn may_send_to(
    target: &Target,
    address: &str,
    profile: &mut Profile,
    context: &Context,
) -> Result<(), Failure> {
    let Err(refused) = profile.may_send_to(target) else {
        return Ok(());
    };
    let decision = flow::decide(&context.surroundings(), Offers::BOTH);
    if decision.way == Way::NotInteractive || profile.settings.issuer.is_none() {
        return Err(refused);
    }
    runtime::block_on(ask(address, profile, context, refused))
}

async fn ask(
    address: &str,
    profile: &mut Profile,
    context: &Context,
    refused: Failure,
) -> Result<(), Failure> {
    let found = match ProtectedResource::discover(address, profile.transport()?).await {
        Ok(found) => found,
        Err(error) => return Err(refused.caused_by(&error)),
    };
    let issuer = profile.issuer()?.to_owned();
    if found.server(Some(&issuer)) != issuer {
        let other = clean::text(found.server(None));
        let cause = std::io::Error::other(format!("the API takes tokens of {other}"));
        return Err(refused.caused_by(&cause));
    }
    let resource = clean::text(&found.resource);
    let question = format!(
        "{resource} says that it takes tokens of {}. May it have those of profile `{}`?",
        clean::text(&issuer),
        profile.name
    );
    if !TerminalUi::stderr_in(context.output.style)
        .confirm(&question)
        .await
    {
        return Err(refused);
    }
    if profile.is_configured {
        let file = profile.places.config.display();
        context.output.note(&format!(
            "To be asked no more: add \"{resource}\" to `resource` of [profile.{}] in {file}",
            profile.name
        ));
    }
    let resources = profile.settings.resource.get_or_insert_with(Vec::new);
    resources.push(found.resource.clone());
    profile.remember()?;
    let session = profile.client_without_secret()?.build()?.find_session()?;
    match session {
        Some(session) if !session.resources().contains(&found.resource) => {
            let text = format!("the session was not asked for tokens for {resource}");
            Err(Failure::login_required(text).sign_in_with(&profile.login_command()))
        }
        _ => Ok(()),
    }
}
