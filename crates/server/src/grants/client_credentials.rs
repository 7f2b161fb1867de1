//! Client credentials: nothing is read or written, one signature is made.

use hallpass_issuer::grants::client_credentials;
use hallpass_protocol::token::TokenResponse;

use crate::error::json::JsonError;
use crate::issuance::{self, Context, Grant};

pub(crate) async fn redeem(
    at: Context<'_>,
    scope: Option<&str>,
    resource: &[String],
    audience: Vec<String>,
) -> Result<TokenResponse, JsonError> {
    let Context {
        state,
        request,
        client,
        form,
        dpop_jkt,
    } = at;
    let (scopes, mut named) = client_credentials::redeem(client, scope, resource)?;
    named.extend(audience);
    state.settings.check_resources(&named)?;
    let grant = Grant {
        client,
        subject: client.id().as_str(),
        scopes,
        audience: named,
        refresh_token: None,
        authorization: None,
        parent: None,
        not_after: None,
        form,
        dpop_jkt,
    };
    Ok(issuance::issue(state, request, grant).await?)
}
