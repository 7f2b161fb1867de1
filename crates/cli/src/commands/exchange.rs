//! `hallpass exchange`: a token for another service, in exchange for one that is there.
//!
//! RFC 8693 §2: <https://www.rfc-editor.org/rfc/rfc8693#section-2>

use hallpass_client::{AccessToken, Client, Scopes, TokenExchange, TokenTypeUri};

use super::{stdin, token};
use crate::args::ExchangeArgs;
use crate::commands::Context;
use crate::failure::Failure;
use crate::output::Output;
use crate::profile::Profile;
use crate::runtime;
use crate::static_token::StaticToken;

/// Exchanges a token and prints the new one.
pub(crate) fn run(args: &ExchangeArgs, context: &Context) -> Result<(), Failure> {
    let profile = context.profile_at(&args.profile, &args.server)?;
    if args.subject_token_file.is_none() && profile.static_token()?.is_some() {
        let failure = StaticToken::is_no_session("the token of the session is exchanged");
        return Err(failure.hint_to(
            "name the one to exchange with --subject-token-file, or unset HALLPASS_TOKEN",
        ));
    }
    let client = profile.client()?.build()?;
    let scopes = Scopes::parse(&args.scope.join(" "))
        .map_err(|error| Failure::usage("the scopes are malformed").caused_by(&error))?;
    let given = args.subject_token_file.as_deref();
    let given = given.map(stdin::read_token_file).transpose()?;
    let set = runtime::block_on(async {
        let exchange = match given {
            Some(token) => TokenExchange::new(token, TokenTypeUri::AccessToken),
            // A bound one is proved to be ours.
            None => TokenExchange::of(&session_token(&client, &profile).await?),
        };
        let mut exchange = exchange.scopes(scopes);
        for audience in &args.audience {
            exchange = exchange.audience(audience);
        }
        for resource in &args.resource {
            exchange = exchange.resource(resource);
        }
        Ok(client.exchange(exchange).await?)
    })?;
    if context.output.is_json() {
        let answer = token::to_json(&set.access_token, &profile, true);
        return Output::answer_json(&answer);
    }
    Output::answer(set.access_token.expose())
}

async fn session_token(client: &Client, profile: &Profile) -> Result<AccessToken, Failure> {
    let session = Context::session(client, profile).await?;
    let token = session.access_token().await;
    token.map_err(|error| Failure::from(error).sign_in_with(&profile.login_command()))
}
