//! From a host to a token: which profile serves it, and what that profile has.
//!
//! Rows C-39, C-76 and C-81. Without a network where the token that is kept is good.

use hallpass_client::{AccessToken, Clock as _, Secret, Session, Timestamp, TokenType};
use hallpass_protocol::time::SystemClock;

use super::{asked::Asked, sign_in};
use crate::commands::Context;
use crate::config::{Helper, HelperPlace, ProfileFile};
use crate::exit_code;
use crate::failure::Failure;
use crate::files::Places;
use crate::profile::Profile;
use crate::runtime;
use crate::static_token::StaticToken;

/// What the other program gets.
pub(super) struct Found {
    /// The token.
    pub(super) token: Secret<String>,
    /// When it ends by this machine's clock; `None` when nobody said.
    pub(super) expires_at: Option<Timestamp>,
}

/// An access token; `None` for a host that no profile serves.
pub(super) fn access_token(asked: Asked<'_>, context: &Context) -> Result<Option<Found>, Failure> {
    find(asked, context, access_token_of)
}

/// An ID token; `None` for a host that no profile serves.
pub(super) fn id_token(asked: Asked<'_>, context: &Context) -> Result<Option<Found>, Failure> {
    find(asked, context, id_token_of)
}

/// Forgets the access token that a host refused; the session stays, and the next call gets another one.
pub(super) fn forget(
    asked: Asked<'_>,
    refused: Option<&str>,
    context: &Context,
) -> Result<(), Failure> {
    let profile = serving(asked, context)?;
    if given(asked, profile.is_some(), context)?.is_some() {
        return Ok(());
    }
    let Some(profile) = profile else {
        return Ok(());
    };
    if let Some(session) = kept_session(&profile)? {
        let forgotten = session.forget_access_token(refused)?;
        tracing::info!(forgotten, "a host refused the access token");
    }
    Ok(())
}

/// Every host that a program may ask for.
pub(crate) fn places(helper: Helper, context: &Context) -> Result<Vec<HelperPlace>, Failure> {
    let (config, remembered) = read_files(context)?;
    let profiles = config.profile.values().chain(remembered.profile.values());
    let helpers = profiles.filter_map(|settings| settings.helpers.as_ref()?.get(&helper));
    let mut places: Vec<_> = helpers.flatten().cloned().collect();
    places.sort();
    places.dedup();
    Ok(places)
}

/// The profile that serves a host: the only one, or of several the one that `HALLPASS_PROFILE` names.
pub(super) fn serving(asked: Asked<'_>, context: &Context) -> Result<Option<Profile>, Failure> {
    let (config, remembered) = read_files(context)?;
    let profiles = config.profile.iter().chain(&remembered.profile);
    let serves = profiles.filter(|(_, settings)| settings.serves(asked.helper, asked.place));
    let mut names: Vec<&String> = serves.map(|(name, _)| name).collect();
    names.sort();
    names.dedup();
    // Who writes `-p` into the other program's settings means that profile and no other.
    if let Some(flag) = &context.global.profile_flag {
        names.retain(|name| *name == flag);
    }
    let variable = context.environment.text("HALLPASS_PROFILE");
    let name = match names.as_slice() {
        [] => return Ok(None),
        [only] => only,
        several => several
            .iter()
            .find(|name| Some(name.as_str()) == variable)
            .ok_or_else(|| asked.served_by(several))?,
    };
    let profile = context.profile_of_helper(name)?;
    // Flags, variables and `config.toml` may say something else than the file in which it was found.
    Ok(profile
        .settings
        .serves(asked.helper, asked.place)
        .then_some(profile))
}

fn find(
    asked: Asked<'_>,
    context: &Context,
    of: fn(Asked<'_>, &Profile) -> Result<Found, Failure>,
) -> Result<Option<Found>, Failure> {
    let profile = serving(asked, context)?;
    if let Some(given) = given(asked, profile.is_some(), context)? {
        return Ok(Some(given));
    }
    let Some(profile) = profile else {
        return Ok(None);
    };
    let found = match of(asked, &profile) {
        Err(failure) if failure.exit() == exit_code::LOGIN_REQUIRED => {
            tracing::info!(reason = failure.message(), "there is no token");
            sign_in::run(asked, &profile, context)?;
            of(asked, &profile)
        }
        done => done,
    };
    found.map(Some)
}

/// The token of the environment, where it may go.
fn given(asked: Asked<'_>, is_served: bool, context: &Context) -> Result<Option<Found>, Failure> {
    let given = StaticToken::find(&context.environment)?;
    let given = given.filter(|given| given.may_help(asked.place, is_served));
    Ok(given.map(|given| Found {
        token: given.token,
        expires_at: None,
    }))
}

fn access_token_of(asked: Asked<'_>, profile: &Profile) -> Result<Found, Failure> {
    if profile.is_program()? {
        let set = runtime::block_on(crate::commands::token::as_program(profile))?;
        return unbound(asked, &set.access_token, profile);
    }
    let session = kept_session(profile)?.ok_or_else(|| Context::nobody(profile))?;
    if let Some(token) = session.kept_access_token(profile.min_validity()) {
        return unbound(asked, &token, profile);
    }
    let token = runtime::block_on(async {
        let session = renewing(profile).await?;
        Ok(session.access_token_for(profile.min_validity()).await?)
    })?;
    unbound(asked, &token, profile)
}

fn id_token_of(asked: Asked<'_>, profile: &Profile) -> Result<Found, Failure> {
    let session = kept_session(profile)?.ok_or_else(|| Context::nobody(profile))?;
    let kept = session.kept_id_token(profile.min_validity());
    let token = match kept {
        Some(kept) => Some(kept),
        None => runtime::block_on(async {
            let session = renewing(profile).await?;
            Ok(session.id_token_for(profile.min_validity()).await?)
        })?,
    };
    let token = token.ok_or_else(|| {
        let name = &profile.name;
        Failure::config(format!("the session of profile `{name}` has no ID token"))
            .hint_to("sign in with --scope openid, or use --token-type access")
    })?;
    if token.claims.exp <= SystemClock.now() {
        let text = format!("the ID token for {} has expired", asked.place.authority());
        return Err(Failure::login_required(text));
    }
    Ok(Found {
        expires_at: Some(token.claims.exp),
        token: token.token,
    })
}

/// The session as it is kept, without a secret that may come from a command.
fn kept_session(profile: &Profile) -> Result<Option<Session>, Failure> {
    let client = profile.client_without_secret()?.build()?;
    Ok(client.find_session()?)
}

async fn renewing(profile: &Profile) -> Result<Session, Failure> {
    let client = profile.client()?.build()?;
    Context::session(&client, profile).await
}

fn read_files(context: &Context) -> Result<(ProfileFile, ProfileFile), Failure> {
    let places = Places::find(context.global.config.as_deref(), &context.environment)?;
    Ok((
        ProfileFile::read_config(&places.config)?,
        ProfileFile::read_remembered(&places)?,
    ))
}

/// Row C-39: no other program can prove that it has the key of a bound token.
fn unbound(asked: Asked<'_>, token: &AccessToken, profile: &Profile) -> Result<Found, Failure> {
    if *token.token_type() == TokenType::Bearer {
        return Ok(Found {
            token: Secret::from(token.expose()),
            expires_at: token.expires_at(),
        });
    }
    Err(asked.bound(profile))
}
