//! What a program that people start on their own machines says of itself at registration.
//!
//! RFC 7591 §2: <https://www.rfc-editor.org/rfc/rfc7591#section-2>, RFC 8252 §8.4 (such a client is public),
//! OIDC Registration §2 (`application_type`).

use hallpass_protocol::client_auth::ClientAuthMethod;
use hallpass_protocol::metadata::Metadata;
use hallpass_protocol::registration::ClientMetadata;
use hallpass_protocol::token::GrantType;

use crate::client::Client;
use crate::error::Error;
use crate::redirect_path;

impl Client {
    /// Describes a program that people start on their own machines, for [`Client::register`]: a public
    /// client with these redirect URIs on loopback, the code flow, the device flow and refresh tokens,
    /// as far as the server offers them.
    ///
    /// # Errors
    ///
    /// As [`Client::metadata`].
    pub async fn native_metadata<S: Into<String>>(
        &self,
        name: impl Into<String>,
        redirect_uris: impl IntoIterator<Item = S>,
    ) -> Result<ClientMetadata, Error> {
        let server = self.inner.server.metadata().await?;
        let redirect_uris = redirect_uris.into_iter().map(Into::into).collect();
        Ok(describe(name.into(), redirect_uris, &server))
    }

    /// The path of the redirect URI that a program which registers itself should name, and then use
    /// ([`crate::SignIn::callback_path`]): `/callback` at a server whose answers name their issuer
    /// (RFC 9207 §3), else one that no other issuer has, so that an answer of another server is noticed by
    /// where it arrives (RFC 9700 §4.4.2.2). It is always the same for one issuer.
    ///
    /// # Errors
    ///
    /// As [`Client::metadata`].
    pub async fn callback_path(&self) -> Result<String, Error> {
        let server = self.inner.server.metadata().await?;
        if server.authorization_response_iss_parameter_supported {
            return Ok(redirect_path::USUAL.to_owned());
        }
        // Row C-34.
        Ok(redirect_path::of_issuer(&self.inner.server.issuer))
    }
}

fn describe(name: String, redirect_uris: Vec<String>, server: &Metadata) -> ClientMetadata {
    let grants = [
        GrantType::AuthorizationCode,
        GrantType::RefreshToken,
        GrantType::DeviceCode,
    ];
    let grants = grants.into_iter().filter(|grant| {
        // A server that lists nothing has the code grant (RFC 8414 §2), and then refresh tokens, too.
        let unlisted = server.grant_types_supported.is_empty() && *grant == GrantType::RefreshToken;
        server.offers(*grant) || unlisted
    });
    ClientMetadata {
        redirect_uris,
        token_endpoint_auth_method: Some(auth_method(server).as_str().to_owned()),
        grant_types: Some(grants.map(|grant| grant.as_str().to_owned()).collect()),
        response_types: Some(vec!["code".to_owned()]),
        application_type: Some("native".to_owned()),
        client_name: Some(name),
        ..ClientMetadata::default()
    }
}

/// RFC 8252 §8.5: a secret of such a client protects nothing; a server that knows no client without gets
/// one asked for all the same.
fn auth_method(server: &Metadata) -> ClientAuthMethod {
    let listed = &server.token_endpoint_auth_methods_supported;
    let takes = |method: ClientAuthMethod| listed.iter().any(|name| name == method.as_str());
    let basic = ClientAuthMethod::ClientSecretBasic;
    if listed.is_empty() || takes(ClientAuthMethod::None) {
        ClientAuthMethod::None
    } else if takes(ClientAuthMethod::ClientSecretPost) && !takes(basic) {
        ClientAuthMethod::ClientSecretPost
    } else {
        basic
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants(listed: &[&str]) -> Vec<String> {
        let server = Metadata {
            grant_types_supported: listed.iter().map(|name| (*name).to_owned()).collect(),
            ..Metadata::default()
        };
        let described = describe("acme".to_owned(), Vec::new(), &server);
        described.grant_types.unwrap()
    }

    #[test]
    fn only_grants_that_the_server_has_are_asked_for() {
        assert_eq!(grants(&[]), ["authorization_code", "refresh_token"]);
        assert_eq!(grants(&["authorization_code"]), ["authorization_code"]);
        let device = "urn:ietf:params:oauth:grant-type:device_code";
        let all = [
            "authorization_code",
            device,
            "refresh_token",
            "client_credentials",
        ];
        assert_eq!(
            grants(&all),
            ["authorization_code", "refresh_token", device]
        );
    }

    #[test]
    fn it_is_public_wherever_the_server_has_public_clients() {
        for (listed, asked) in [
            (vec![], "none"),
            (vec!["client_secret_basic", "none"], "none"),
            (
                vec!["client_secret_post", "client_secret_basic"],
                "client_secret_basic",
            ),
            (vec!["client_secret_post"], "client_secret_post"),
        ] {
            let server = Metadata {
                token_endpoint_auth_methods_supported: listed
                    .iter()
                    .map(|name| (*name).to_owned())
                    .collect(),
                ..Metadata::default()
            };
            let described = describe("acme".to_owned(), Vec::new(), &server);
            assert_eq!(described.token_endpoint_auth_method.as_deref(), Some(asked));
            assert_eq!(described.application_type.as_deref(), Some("native"));
        }
    }
}
