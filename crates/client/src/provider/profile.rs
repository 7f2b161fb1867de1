//! What a preset means for requests and answers.

use std::fmt;

use hallpass_protocol::Scopes;
use hallpass_protocol::form::Form;
use hallpass_protocol::id_token::IdTokenClaims;
use hallpass_protocol::metadata::Metadata;
use hallpass_protocol::pkce;
use serde_json::{Map, Value};
use url::Url;

use super::identity::Identity;
use super::place::Place;
use super::preset::{
    Callback, IdentitySource, Offline, Preset, ResourceUse, SaidIssuer, SecretUse,
};
use crate::client_auth::ClientAuthMethod;
use crate::error::Error;

/// A provider of sign-in that is known by name: its addresses, and in what it differs from the
/// specifications. Made by [`Provider::parse`], used by [`crate::Client::for_provider`].
///
/// Nobody signed in at the real ones to test this: `docs/providers.md` tells what each was tested
/// against.
#[derive(Clone)]
pub struct Provider {
    preset: &'static Preset,
    place: Place,
    /// Every address is at this origin instead of its own.
    moved_to: Option<String>,
    /// The only tenants from which people may come; empty are all.
    tenants: Vec<String>,
    /// A session that lasts was asked for.
    lasts: bool,
}

/// What a client of a provider needs a secret for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProviderSecret {
    /// A client may have one; public clients have none (RFC 6749 §2.1).
    Optional,
    /// Clients have none.
    None,
    /// Every request needs it. It ships inside of the program and protects nothing (RFC 8252 §8.5), so
    /// it needs no keychain and no warning.
    Public,
    /// The code flow needs it; the device flow does not.
    ForBrowser,
}

/// Which request is adjusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestTo {
    /// RFC 6749 §4.1.1.
    Authorization,
    /// RFC 8628 §3.1.
    Device,
    /// RFC 6749 §4.1.3.
    Token,
}

impl Provider {
    pub(super) fn new(preset: &'static Preset, place: Place) -> Self {
        Self {
            preset,
            place,
            moved_to: None,
            tenants: Vec::new(),
            lasts: false,
        }
    }

    /// The name, as [`Provider::parse`] reads it.
    pub fn name(&self) -> &'static str {
        self.preset.name
    }

    /// The issuer, as the sessions of this provider carry it.
    pub fn issuer(&self) -> String {
        self.address(self.preset.issuer)
    }

    /// What a client needs a secret for.
    pub fn secret(&self) -> ProviderSecret {
        match self.preset.secret {
            SecretUse::AsConfigured => ProviderSecret::Optional,
            SecretUse::None => ProviderSecret::None,
            SecretUse::Public => ProviderSecret::Public,
            SecretUse::ForCodeFlow => ProviderSecret::ForBrowser,
        }
    }

    /// Moves every address to another origin and leaves the paths: for a double of the provider in a
    /// test (http is fine on loopback), or for a gateway.
    #[must_use]
    pub fn at(mut self, origin: &str) -> Self {
        self.moved_to = Some(origin.trim_end_matches('/').to_owned());
        self
    }

    /// Lets in only people of these tenants, by the id in `tid` of the ID token (row Q-14); may be
    /// called again. Default: everybody whom the provider lets in.
    #[must_use]
    pub fn only_tenants<S: AsRef<str>>(mut self, ids: impl IntoIterator<Item = S>) -> Self {
        let ids = ids.into_iter().map(|id| id.as_ref().to_ascii_lowercase());
        self.tenants.extend(ids);
        self
    }

    fn address(&self, template: &str) -> String {
        let address = template
            .replace("{base}", &self.place.base)
            .replace("{path}", &self.place.path)
            .replace("{tenant}", &self.place.tenant);
        let Some(origin) = &self.moved_to else {
            return address;
        };
        let path = address
            .split_once("://")
            .and_then(|(_, rest)| rest.find('/').and_then(|at| rest.get(at..)));
        format!("{origin}{}", path.unwrap_or_default())
    }

    /// The scopes to ask for, in the provider's own words.
    pub(crate) fn scopes(&mut self, asked: &Scopes) -> Scopes {
        let rules = &self.preset.scopes;
        let words: Vec<&str> = if asked.is_empty() {
            rules.default.to_vec()
        } else {
            asked.iter().collect()
        };
        self.lasts = words.contains(&"offline_access");
        let is_meant = |word: &str| match word {
            "offline_access" => matches!(rules.offline, Offline::Scope),
            "openid" | "profile" | "email" => rules.openid,
            _ => true,
        };
        words.into_iter().filter(|word| is_meant(word)).collect()
    }

    /// The way in which the provider takes a secret.
    pub(crate) fn client_auth(&self, auth: ClientAuthMethod) -> ClientAuthMethod {
        match (self.preset.secret, auth) {
            // Their documents show the secret in the body, and only there.
            (
                SecretUse::Public | SecretUse::ForCodeFlow,
                ClientAuthMethod::Secret(secret) | ClientAuthMethod::SecretBasic(secret),
            ) => ClientAuthMethod::SecretPost(secret),
            (_, auth) => auth,
        }
    }

    /// A sign-in must not begin without the secret that ends it. Who only looks at what is kept needs
    /// none.
    pub(crate) fn require_secret(&self, auth: &ClientAuthMethod) -> Result<(), Error> {
        if self.preset.secret != SecretUse::Public || !matches!(auth, ClientAuthMethod::None) {
            return Ok(());
        }
        let text = format!("{} needs a client secret", self.preset.name);
        Err(Error::config(text).hint_to(
            "name the secret that came with the client id; for an installed program it is public",
        ))
    }

    /// The metadata of a provider that publishes none.
    pub(crate) fn metadata(&self) -> Option<Metadata> {
        (!self.preset.discovery).then(|| Metadata {
            issuer: self.issuer(),
            ..Metadata::default()
        })
    }

    /// Fills in what the metadata leaves out, and takes out what this client cannot use.
    pub(crate) fn complete(&self, metadata: &mut Metadata, auth: &ClientAuthMethod) {
        let known = &self.preset.endpoints;
        for (said, known) in [
            (&mut metadata.authorization_endpoint, known.authorization),
            (&mut metadata.token_endpoint, known.token),
            (&mut metadata.device_authorization_endpoint, known.device),
            (&mut metadata.revocation_endpoint, known.revocation),
        ] {
            if said.is_none() {
                *said = known.map(|template| self.address(template));
            }
        }
        let methods = &mut metadata.code_challenge_methods_supported;
        if methods.is_empty() && self.preset.pkce_unannounced {
            methods.push(pkce::METHOD.to_owned());
        }
        if self.preset.secret == SecretUse::ForCodeFlow && matches!(auth, ClientAuthMethod::None) {
            metadata.authorization_endpoint = None;
        }
    }

    /// Whether metadata that says so is this provider's.
    pub(crate) fn is_issuer(&self, said: &str) -> bool {
        let SaidIssuer::OfTenant(template) = self.preset.said_issuer else {
            return said == self.issuer();
        };
        let id = self.tenant_in(template, said);
        said == self.issuer() || id.is_some_and(|id| id == "{tenantid}" || is_guid(id))
    }

    /// What the ID token must name as its issuer. `claims` are not yet verified: they choose among
    /// the provider's own spellings, and the check of the signature follows.
    pub(crate) fn id_token_issuer(&self, metadata: &str, claims: &Map<String, Value>) -> String {
        let claim = |name: &str| claims.get(name).and_then(Value::as_str);
        match self.preset.said_issuer {
            SaidIssuer::Alias(alias) if claim("iss") == Some(alias) => alias.to_owned(),
            SaidIssuer::Same | SaidIssuer::Alias(_) => self.issuer(),
            SaidIssuer::OfTenant(_) => match claim("tid").filter(|id| is_guid(id)) {
                Some(id) => metadata.replace("{tenantid}", id),
                None => metadata.to_owned(),
            },
        }
    }

    /// Whether people of the tenant in the claims may sign in.
    pub(crate) fn lets_in(&self, claims: &IdTokenClaims) -> bool {
        if !matches!(self.preset.said_issuer, SaidIssuer::OfTenant(_)) {
            return true;
        }
        let id = claims.extra.get("tid").and_then(Value::as_str);
        let id = id.unwrap_or_default().to_ascii_lowercase();
        let is_of_kind = match self.place.tenant.as_str() {
            "consumers" => id == CONSUMERS,
            "organizations" => id != CONSUMERS,
            tenant if is_guid(tenant) => id == tenant,
            _ => true,
        };
        is_of_kind && (self.tenants.is_empty() || self.tenants.contains(&id))
    }

    fn tenant_in<'a>(&self, template: &str, said: &'a str) -> Option<&'a str> {
        let (before, after) = template.split_once("{tenant}")?;
        let before = self.address(before);
        said.strip_prefix(&before)?.strip_suffix(after)
    }

    /// Whether `iss` may come back although nobody announced it (row C-32).
    pub(crate) fn accepts_iss(&self) -> bool {
        self.preset.accepts_iss
    }

    /// The redirect URI of a client that says nothing else: whether its host is `localhost`, and its
    /// path.
    pub(crate) fn callback(&self) -> Option<(bool, &'static str)> {
        let Callback { is_localhost, path } = self.preset.callback?;
        Some((is_localhost, path))
    }

    /// Where a person takes back tokens that no request takes back.
    pub(crate) fn revocation_page(&self) -> Option<String> {
        self.preset.revocation_page.map(|page| self.address(page))
    }

    /// The request in the provider's own words.
    pub(crate) fn adjust(&self, step: RequestTo, form: &Form) -> Form {
        let mut adjusted = Form::default();
        let rules = &self.preset.scopes;
        // A code or a refresh token already knows what it is for.
        let names_api = match step {
            RequestTo::Authorization | RequestTo::Device => true,
            RequestTo::Token => form.one("grant_type") == Ok(Some("client_credentials")),
        };
        for (name, value) in form.iter() {
            match (name, self.preset.resource, step) {
                ("scope", _, RequestTo::Authorization) => {
                    let (parameter, separator) = rules.parameter;
                    adjusted.push(parameter, value.replace(' ', separator));
                }
                ("resource", ResourceUse::Sent, _) => adjusted.push(name, value),
                ("resource", ResourceUse::As(other), _) if names_api => {
                    push_new(&mut adjusted, other, value);
                }
                ("resource", _, _) => {}
                // It may be the name of a resource that stands there already.
                ("audience", _, _) => push_new(&mut adjusted, name, value),
                _ => adjusted.push(name, value),
            }
        }
        if let (Offline::Parameters(extra), RequestTo::Authorization, true) =
            (rules.offline, step, self.lasts)
        {
            for (name, value) in extra {
                if !adjusted.has(name) {
                    adjusted.push(name, *value);
                }
            }
        }
        adjusted
    }

    /// Puts an answer of the token endpoint into the form of RFC 6749 §5; returns who signed in, where
    /// the answer tells.
    pub(crate) fn read_answer(&self, members: &mut Map<String, Value>) -> Option<Identity> {
        let identity = match &self.preset.identity {
            source @ IdentitySource::Member(member, ..) => members
                .get(*member)
                .and_then(Value::as_object)
                .and_then(|about| Identity::read(about, source)),
            IdentitySource::IdToken | IdentitySource::Get(..) => None,
        };
        if let Some(member) = self.preset.tokens_in {
            let inner = members.get(member).and_then(Value::as_object).cloned();
            if let Some(inner) = inner.filter(|inner| inner.contains_key("access_token")) {
                // Beside it stand the tokens of somebody else, a bot's: nothing of them is mixed in.
                for name in ["access_token", "refresh_token", "expires_in", "scope"] {
                    members.remove(name);
                    if let Some(value) = inner.get(name) {
                        members.insert(name.to_owned(), value.clone());
                    }
                }
            }
            // The type says whose token it is, not how it is presented.
            members.remove("token_type");
        }
        self.translate_scope(members);
        self.translate_error(members);
        identity
    }

    fn translate_scope(&self, members: &mut Map<String, Value>) {
        let Some(Value::String(scope)) = members.get_mut("scope") else {
            return;
        };
        let said_as = self.preset.scopes.said_as;
        let meant = |said: &str| {
            let known = said_as.iter().find(|(known, _)| *known == said);
            known.map_or_else(|| said.to_owned(), |(_, meant)| (*meant).to_owned())
        };
        if !said_as.is_empty() {
            let words: Vec<_> = scope.split(' ').map(meant).collect();
            *scope = words.join(" ");
        }
    }

    /// The code of the specifications; the provider's own stays readable in the description.
    fn translate_error(&self, members: &mut Map<String, Value>) {
        let said = members.get("error").and_then(Value::as_str);
        let known = said.and_then(|said| self.preset.codes.iter().find(|(own, _)| *own == said));
        let Some((own, meant)) = known else {
            return;
        };
        let description = members.get("error_description").and_then(Value::as_str);
        let description = match description {
            Some(text) => format!("{own}: {text}"),
            None => (*own).to_owned(),
        };
        members.insert("error".to_owned(), Value::from(*meant));
        members.insert("error_description".to_owned(), Value::from(description));
    }

    /// Where to ask who signed in, for providers that tell it nowhere else.
    pub(crate) fn identity_url(&self) -> Option<Url> {
        match self.preset.identity {
            IdentitySource::Get(template, ..) => Url::parse(&self.address(template)).ok(),
            IdentitySource::IdToken | IdentitySource::Member(..) => None,
        }
    }

    /// Reads what came from [`Self::identity_url`].
    pub(crate) fn read_identity(&self, members: &Map<String, Value>) -> Option<Identity> {
        Identity::read(members, &self.preset.identity)
    }

    /// Whether somebody signs in without an ID token.
    pub(crate) fn tells_identity(&self) -> bool {
        !matches!(self.preset.identity, IdentitySource::IdToken)
    }
}

impl fmt::Display for Provider {
    /// The name, and the issuer where the name alone does not say it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.preset.name, self.issuer())
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Provider({self})")
    }
}

/// A value that repeats stands once.
fn push_new(form: &mut Form, name: &str, value: &str) {
    if form.all(name).all(|known| known != value) {
        form.push(name, value);
    }
}

/// The tenant of accounts that belong to people and not to organisations.
const CONSUMERS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

/// 8-4-4-4-12 hexadecimal digits.
fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text.char_indices().all(|(at, c)| match at {
            8 | 13 | 18 | 23 => c == '-',
            _ => c.is_ascii_hexdigit(),
        })
}
