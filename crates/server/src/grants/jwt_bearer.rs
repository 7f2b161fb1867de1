//! Takes an assertion that an issuer of this server signed.

use hallpass_issuer::grants::jwt_bearer;
use hallpass_issuer::policy::{self, Flow};
use hallpass_issuer::refusal::{GrantReason, Refusal};
use hallpass_protocol::Secret;
use hallpass_protocol::token::TokenResponse;

use super::bound_token::check_key;
use crate::error::json::JsonError;
use crate::extract::token::hosted_jwt;
use crate::issuance::{self, Context, Grant, Parent};

pub(crate) async fn redeem(
    at: Context<'_>,
    assertion: &Secret<String>,
    scope: Option<&str>,
    resource: &[String],
) -> Result<TokenResponse, JsonError> {
    let Context {
        state,
        request,
        client,
        form,
        dpop_jkt,
    } = at;
    let bad = || Refusal::InvalidGrant(GrantReason::BadAssertion);
    let (claims, _) = hosted_jwt(state, request, assertion.expose())
        .await?
        .ok_or_else(bad)?;
    check_key(at, &claims)?;
    let token_endpoint = request.url_of(request.paths.token);
    let audiences = [request.issuer_url.as_str(), &token_endpoint];
    let subject = jwt_bearer::subject(&claims, &audiences, request.now)?;
    let grant = Grant {
        client,
        subject: &subject,
        scopes: policy::granted_scopes(client.client(), scope, Flow::Any)?,
        audience: policy::check_resources(resource)?,
        refresh_token: None,
        authorization: None,
        parent: Some(Parent::of(&claims)),
        not_after: claims.exp,
        form,
        dpop_jkt,
    };
    Ok(issuance::issue(state, request, grant).await?)
}
