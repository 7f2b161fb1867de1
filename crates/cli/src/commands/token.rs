//! `hallpass token`: a fresh token on standard output, and nothing else there.

use std::time::Duration;

use hallpass_client::{AccessToken, Clock as _, Session, TokenSet, answers};
use hallpass_protocol::time::SystemClock;
use serde_json::{Value, json};

use crate::args::{Flow, TokenArgs, TokenChoice};
use crate::commands::Context;
use crate::config::Target;
use crate::failure::Failure;
use crate::output::Output;
use crate::profile::Profile;
use crate::static_token::StaticToken;
use crate::{moment, runtime};

use super::{protected_resource, token_form};

/// Prints a token.
pub(crate) fn run(args: &TokenArgs, context: &Context) -> Result<(), Failure> {
    let flag = args.print.text_flag();
    if let Some(flag) = flag.filter(|_| context.output.is_json()) {
        let text = format!("{flag} and JSON exclude each other");
        return Err(Failure::usage(text).hint_to("give one"));
    }
    if args.token_type == TokenChoice::DpopProof && args.print.url.is_none() {
        return Err(
            Failure::usage("a proof is for one request").hint_to("name it: --method GET --url URL")
        );
    }
    let target = args.target.as_deref().map(Target::parse).transpose()?;
    let mut profile = context.profile_for(&args.profile, target.as_ref())?;
    if let Some(given) = profile.static_token()? {
        return print_given(&given, (args, target.as_ref()), &profile, context);
    }
    if let (Some(target), Some(address)) = (&target, &args.target) {
        protected_resource::may_send_to(target, address, &mut profile, context)?;
    }
    if print_kept(args, &profile, context)? {
        return Ok(());
    }
    runtime::block_on(print(args, &profile, context))
}

/// Prints a token that is there and good, the usual case: no network, no runtime, no second thread.
fn print_kept(args: &TokenArgs, profile: &Profile, context: &Context) -> Result<bool, Failure> {
    let is_program = profile.settings.flow == Some(Flow::ClientCredentials);
    if is_program || args.print.refresh || args.token_type == TokenChoice::Id {
        return Ok(false);
    }
    let client = profile.client_without_secret()?.build()?;
    let Some(session) = client.find_session()? else {
        return if profile.is_program()? {
            Ok(false)
        } else {
            Err(Context::nobody(profile))
        };
    };
    let Some(token) = session.kept_access_token(min_validity(args, profile)) else {
        return Ok(false);
    };
    answer(&token, args, context, || {
        of_session(&token, &session, profile, false)
    })?;
    Ok(true)
}

async fn print(args: &TokenArgs, profile: &Profile, context: &Context) -> Result<(), Failure> {
    if profile.is_program()? {
        if args.token_type == TokenChoice::Id {
            return Err(Failure::config(
                "client credentials bring no ID token: nobody signed in",
            ));
        }
        let set = as_program(profile).await?;
        let token = &set.access_token;
        return answer(token, args, context, || to_json(token, profile, true));
    }
    let client = profile.client()?.build()?;
    let session = Context::session(&client, profile).await?;
    let hinted = |error| Failure::from(error).sign_in_with(&profile.login_command());
    let before = session.access_expires_at();
    let token = if args.print.refresh {
        session.refresh().await
    } else {
        session.access_token_for(min_validity(args, profile)).await
    }
    .map_err(hinted)?;
    if args.token_type == TokenChoice::Id {
        return print_id_token(session, min_validity(args, profile), context).await;
    }
    let is_refreshed = args.print.refresh || token.expires_at() != before;
    answer(&token, args, context, || {
        of_session(&token, &session, profile, is_refreshed)
    })
}

fn of_session(
    token: &AccessToken,
    session: &Session,
    profile: &Profile,
    is_refreshed: bool,
) -> Value {
    answers::token(
        token,
        session,
        &profile.name,
        (is_refreshed, SystemClock.now()),
    )
}

fn answer(
    token: &AccessToken,
    args: &TokenArgs,
    context: &Context,
    object: impl FnOnce() -> Value,
) -> Result<(), Failure> {
    if args.token_type == TokenChoice::DpopProof {
        return token_form::print_proof(&args.print, token, context);
    }
    if context.output.is_json() {
        return Output::answer_json(&object());
    }
    token_form::print(&args.print, token)
}

/// What a job needs, by its flag or by its profile.
fn min_validity(args: &TokenArgs, profile: &Profile) -> Duration {
    let wished = args.print.min_validity;
    wished.unwrap_or_else(|| profile.min_validity())
}

/// Prints the token of the environment, if it may go where it is wanted (row C-81).
fn print_given(
    given: &StaticToken,
    (args, target): (&TokenArgs, Option<&Target>),
    profile: &Profile,
    context: &Context,
) -> Result<(), Failure> {
    if args.print.refresh || args.token_type != TokenChoice::Access {
        return Err(StaticToken::is_no_session("this needs a session"));
    }
    if let Some(target) = target {
        given.may_go_to(target, profile)?;
    }
    let token = given.token.expose();
    if context.output.is_json() {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        Output::answer_json(&json!({
            "schema": "hallpass.token/1",
            "profile": profile.name,
            "token_type": "Bearer",
            "access_token": token,
            "expires_at": null,
            "expires_in": null,
            "scope": "",
            "resource": given.places,
            "issuer": text(&profile.settings.issuer),
            "client_id": text(&profile.settings.client_id),
            "subject": null,
            "dpop_jkt": null,
            "refreshed": false,
            "source": "HALLPASS_TOKEN",
        }))
    } else {
        token_form::print_bearer(&args.print, &given.token)
    }
}

/// A token for the program itself.
pub(crate) async fn as_program(profile: &Profile) -> Result<TokenSet, Failure> {
    let scopes = profile.settings.scopes.iter().flatten();
    let client = profile.settings.targets(profile.client()?.scopes(scopes));
    Ok(client.build()?.client_credentials().await?)
}

/// A token and what its holder must know, for programs.
pub(crate) fn to_json(token: &AccessToken, profile: &Profile, is_refreshed: bool) -> Value {
    let now = SystemClock.now();
    let expires_at = token.expires_at();
    json!({
        "schema": "hallpass.token/1",
        "profile": profile.name,
        "token_type": token.token_type().as_str(),
        "access_token": token.expose(),
        "expires_at": expires_at.and_then(moment::rfc3339),
        "expires_in": expires_at.map(|at| moment::seconds_until(at, now)),
        "scope": token.scope().to_string(),
        "resource": profile.settings.resource.clone().unwrap_or_default(),
        "issuer": profile.settings.issuer,
        "client_id": profile.settings.client_id,
        "subject": null,
        "dpop_jkt": token.dpop_jkt().ok().flatten(),
        "refreshed": is_refreshed,
    })
}

/// The ID token as it is after a refresh, which may have brought a new one.
async fn print_id_token(
    session: Session,
    min_validity: Duration,
    context: &Context,
) -> Result<(), Failure> {
    let Some(token) = session.id_token_for(min_validity).await? else {
        return Err(
            Failure::config("the session has no ID token").hint_to("sign in with --scope openid")
        );
    };
    if token.claims.exp <= SystemClock.now() {
        context
            .output
            .warn("the ID token has expired, and the server gives no new one without a sign-in");
    }
    if context.output.is_json() {
        return Output::answer_json(&json!({
            "schema": "hallpass.id-token/1",
            "id_token": token.token.expose(),
            "expires_at": moment::rfc3339(token.claims.exp),
            "subject": token.claims.sub,
        }));
    }
    Output::answer(token.token.expose())
}
