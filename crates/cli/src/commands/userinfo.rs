//! `hallpass userinfo`: what the server says about the user.
//!
//! OIDC Core §5.3: <https://openid.net/specs/openid-connect-core-1_0.html#UserInfo>

use hallpass_client::{UserInfo, clean};
use serde_json::{Value, json};

use crate::args::ProfileArg;
use crate::commands::Context;
use crate::failure::Failure;
use crate::output::{Output, printable};
use crate::runtime;
use crate::static_token::StaticToken;

/// Prints it.
pub(crate) fn run(arg: &ProfileArg, context: &Context) -> Result<(), Failure> {
    let profile = context.profile(arg)?;
    if profile.static_token()?.is_some() {
        return Err(StaticToken::is_no_session(NEEDS));
    }
    let info = runtime::block_on(async {
        let client = profile.client()?.build()?;
        let session = Context::session(&client, &profile).await?;
        let asked = session.user_info().await;
        asked.map_err(|error| Failure::from(error).sign_in_with(&profile.login_command()))
    })?;
    if context.output.is_json() {
        let answer = json!({"schema": "hallpass.userinfo/1", "claims": info});
        return Output::answer_json(&answer);
    }
    Output::answer(&lines(&info, ""))
}

/// One line for each claim, `sub` first.
pub(crate) fn lines(info: &UserInfo, indent: &str) -> String {
    let width = info.claims.keys().map(|name| name.chars().count()).max();
    let width = width.unwrap_or(0).clamp(3, WIDEST_NAME);
    let mut text = format!(
        "{indent}{:<width$}  {}\n",
        "sub",
        clean::text(info.sub.as_str())
    );
    for (name, value) in &info.claims {
        let value = match value {
            Value::String(text) => clean::text(text),
            other => printable(&other.to_string()),
        };
        text.extend([format!("{indent}{:<width$}  {value}\n", clean::text(name))]);
    }
    text
}

/// Row C-81: a token of the environment goes to APIs, not to the server of the profile.
pub(super) const NEEDS: &str = "the server is asked about who signed in";
const WIDEST_NAME: usize = 24;
