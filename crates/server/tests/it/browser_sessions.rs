//! A browser session from its sign-in to its sign-out, while its cookie changes: rows and
//! S-246, on both engines, and what a stolen cookie and a read id are worth.

use hallpass_testing::person::{APPROVE, forms};
use hallpass_testing::server::{CLIENTS, production_settings};
use hallpass_testing::{Answer, Person, TestPostgres, TestServer};

use crate::accounts::{PASSWORD, fill_in, is_active, is_in, log_in, redeem, refresh};
use crate::second_factors::{App, enrol};

const TOML: &str = "[login]\nrequire_mfa = \"off\"\n";

/// A server on a file and one on PostgreSQL.
struct OnEachEngine {
    servers: Vec<TestServer>,
    _folder: tempfile::TempDir,
}

impl OnEachEngine {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clients = CLIENTS.replacen("id = \"cli\"", "id = \"cli\"\nrefresh = \"always\"", 1);
        let file = format!("sqlite://{}", folder.path().join("x.db").display());
        let mut servers = Vec::new();
        for database in [file, TestPostgres::shared().database()] {
            let toml = format!("{TOML}{clients}");
            let mut settings = production_settings(&toml, folder.path(), &database);
            settings.consent = None;
            servers.push(TestServer::start(settings).await);
        }
        Self {
            servers,
            _folder: folder,
        }
    }
}

/// Ada, signed in with her password in this browser, and the app that she set up in another one.
struct Ada {
    browser: Person,
    app: App,
}

impl Ada {
    async fn sign_in(server: &TestServer) -> Self {
        let browser = server.person_with_account("ada", PASSWORD).await;
        assert!(is_in(&log_in(&browser, "ada", PASSWORD).await));
        let (app, _) = enrol(server, &server.person(), "ada").await;
        Self { browser, app }
    }

    fn cookie(&self) -> String {
        self.browser.cookies()["__Host-hp_s"].clone()
    }

    /// Approves what a program on this machine asks for, without `offline_access`.
    async fn approve_code(&self) -> String {
        approve(&self.browser, &[]).await
    }

    async fn approve_device(&self, server: &TestServer) -> Answer {
        let form = [("client_id", "cli"), ("scope", "openid")];
        let started = server.post("/oauth2/device_authorization", &form).await;
        let entry = self.browser.open("/device").await;
        let user_code = started.member("user_code");
        let page = self
            .browser
            .submit(&entry, &[("user_code", &user_code)])
            .await;
        let done = self.browser.submit(&page, APPROVE).await;
        assert!(done.body.contains("signed in"), "{}", done.body);
        started
    }

    /// Shows the app's code, because a client asks for more than a password.
    async fn step_up(&self, server: &TestServer) {
        server.advance(30);
        let before = self.cookie();
        let page = self.browser.open(&asking(&[("acr_values", "mfa")])).await;
        let code = self.app.code(server);
        let answer = self.browser.submit(&page, &[("code", &code)]).await;
        assert!(answer.body.contains("Continue as"), "{}", answer.body);
        assert_ne!(self.cookie(), before, "A-78");
    }

    async fn sign_out(&self) {
        let page = self.browser.open("/oauth2/logout").await;
        let done = self.browser.submit(&page, &[("confirm", "yes")]).await;
        assert!(done.body.contains("signed out"), "{}", done.body);
    }
}

fn asking(changes: &[(&str, &str)]) -> String {
    let path = Person::authorization_path_with("cli", "openid", changes);
    path.replace("/default/authorize", "/oauth2/authorize")
}

/// The code for what is asked for.
async fn approve(browser: &Person, changes: &[(&str, &str)]) -> String {
    let page = browser.open(&asking(changes)).await;
    let answer = browser.submit(&page, &[("action", "continue")]).await;
    answer.redirect_parameters()["code"].clone()
}

async fn redeem_device(server: &TestServer, started: &Answer) -> Answer {
    let poll = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("client_id", "cli"),
        ("device_code", &started.member("device_code")),
    ];
    server.post("/oauth2/token", &poll).await
}

/// Whether what was granted still works, in every way.
async fn assert_lives(server: &TestServer, tokens: &Answer) -> String {
    assert_eq!(tokens.status, 200, "{}", tokens.body);
    assert!(is_active(server, &tokens.member("access_token")).await);
    let refreshed = refresh(server, &tokens.member("refresh_token")).await;
    assert_eq!(refreshed.status, 200, "{}", refreshed.body);
    refreshed.member("refresh_token")
}

async fn assert_ended(server: &TestServer, tokens: &Answer, refresh_token: &str) {
    assert!(!is_active(server, &tokens.member("access_token")).await);
    let refused = refresh(server, refresh_token).await;
    assert_eq!(refused.refusal(), (400, "invalid_grant".to_owned()));
}

/// What a browser with this cookie is shown at an address of the account.
async fn shown_with(server: &TestServer, cookie: &str) -> Answer {
    let request = server.http().get(server.url("/account"));
    let request = request.header("cookie", format!("__Host-hp_s={cookie}"));
    server.send(request).await
}

fn is_account(page: &Answer) -> bool {
    page.body.contains("<h1>Your account</h1>")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_246_a_39_a_code_that_was_approved_before_a_step_up_ends_with_the_browser() {
    for server in &OnEachEngine::start().await.servers {
        let ada = Ada::sign_in(server).await;
        let code = ada.approve_code().await;
        ada.step_up(server).await;
        let tokens = redeem(server, &code).await;
        let last = assert_lives(server, &tokens).await;
        ada.sign_out().await;
        assert_ended(server, &tokens, &last).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_246_a_39_a_device_that_was_approved_before_a_step_up_ends_with_the_browser() {
    for server in &OnEachEngine::start().await.servers {
        let ada = Ada::sign_in(server).await;
        let started = ada.approve_device(server).await;
        ada.step_up(server).await;
        let tokens = redeem_device(server, &started).await;
        let last = assert_lives(server, &tokens).await;
        ada.sign_out().await;
        assert_ended(server, &tokens, &last).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_246_what_was_redeemed_before_a_step_up_ends_with_the_browser() {
    for server in &OnEachEngine::start().await.servers {
        let ada = Ada::sign_in(server).await;
        let tokens = redeem(server, &ada.approve_code().await).await;
        ada.step_up(server).await;
        let last = assert_lives(server, &tokens).await;
        ada.sign_out().await;
        assert_ended(server, &tokens, &last).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_246_a_39_what_was_approved_is_not_redeemed_after_the_sign_out() {
    for server in &OnEachEngine::start().await.servers {
        let ada = Ada::sign_in(server).await;
        let code = ada.approve_code().await;
        let started = ada.approve_device(server).await;
        ada.sign_out().await;
        for answer in [
            redeem(server, &code).await,
            redeem_device(server, &started).await,
            // Nor later.
            redeem(server, &code).await,
            redeem_device(server, &started).await,
        ] {
            assert_eq!(answer.refusal(), (400, "invalid_grant".to_owned()));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_246_what_is_to_outlive_the_browser_is_redeemed_after_the_sign_out() {
    for server in &OnEachEngine::start().await.servers {
        let ada = Ada::sign_in(server).await;
        let code = approve(&ada.browser, &[("scope", "openid offline_access")]).await;
        ada.sign_out().await;
        let tokens = redeem(server, &code).await;
        assert_lives(server, &tokens).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_246_a_39_of_a_sign_out_and_a_redemption_at_once_nothing_is_left() {
    for server in &OnEachEngine::start().await.servers {
        server.person_with_account("ada", PASSWORD).await;
        for round in 0..20 {
            let browser = server.person();
            assert!(is_in(&log_in(&browser, "ada", PASSWORD).await));
            let code = approve(&browser, &[]).await;
            let page = browser.open("/oauth2/logout").await;
            let confirmed = [("confirm", "yes")];
            let (tokens, out) =
                tokio::join!(redeem(server, &code), browser.submit(&page, &confirmed));
            assert!(out.body.contains("signed out"), "{}", out.body);
            if tokens.status == 200 {
                let refresh_token = tokens.member("refresh_token");
                assert_ended(server, &tokens, &refresh_token).await;
            } else {
                assert_eq!(
                    tokens.refusal(),
                    (400, "invalid_grant".to_owned()),
                    "{round}"
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_246_the_password_once_more_and_a_new_password_are_the_same_session() {
    for server in &OnEachEngine::start().await.servers {
        let ada = Ada::sign_in(server).await;
        let code = ada.approve_code().await;
        let redeemed = redeem(server, &ada.approve_code().await).await;
        // `prompt=login`: the same person in the same browser.
        server.advance(30);
        let before = ada.cookie();
        let page = ada.browser.open(&asking(&[("prompt", "login")])).await;
        let page = fill_in(&ada.browser, &page, "ada", PASSWORD).await;
        let code_of_app = ada.app.code(server);
        ada.browser.submit(&page, &[("code", &code_of_app)]).await;
        assert_ne!(ada.cookie(), before);
        assert!(!is_account(&shown_with(server, &before).await));
        let late = redeem(server, &code).await;
        // A new password that lets programs go on.
        let page = ada.browser.open("/account/password").await;
        let new = "difference engine two";
        let fields = [("current", PASSWORD), ("new", new), ("repeated", new)];
        let before = ada.cookie();
        let mut form = forms(&page.body).remove(0);
        form.ticked.clear();
        ada.browser.submit_form(&form, &fields).await;
        assert_ne!(ada.cookie(), before);
        assert!(!is_account(&shown_with(server, &before).await));
        let last = [
            assert_lives(server, &redeemed).await,
            assert_lives(server, &late).await,
        ];
        ada.sign_out().await;
        assert_ended(server, &redeemed, &last[0]).await;
        assert_ended(server, &late, &last[1]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_78_somebody_else_in_the_same_browser_has_a_session_of_their_own() {
    for server in &OnEachEngine::start().await.servers {
        let ada = Ada::sign_in(server).await;
        let tokens = redeem(server, &ada.approve_code().await).await;
        let adas = ada.cookie();
        let eve = server.person_with_account("eve", PASSWORD).await;
        drop(eve);
        // Eve signs in where Ada still is; nothing of Ada's is hers to end.
        let signed_in = log_in(&ada.browser, "eve", PASSWORD).await;
        assert!(is_in(&signed_in), "{}", signed_in.body);
        assert!(!is_account(&shown_with(server, &adas).await));
        ada.sign_out().await;
        assert_lives(server, &tokens).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_78_a_cookie_from_before_a_step_up_is_worth_nothing() {
    for server in &OnEachEngine::start().await.servers {
        let ada = Ada::sign_in(server).await;
        let stolen = ada.cookie();
        assert!(is_account(&shown_with(server, &stolen).await));
        let logout = ada.browser.open("/oauth2/logout").await;
        ada.step_up(server).await;
        assert!(!is_account(&shown_with(server, &stolen).await));
        // It approves nothing, and it does not sign Ada out, even with a form of her session.
        let mut fields: Vec<(String, String)> = forms(&logout.body).remove(0).hidden;
        fields.push(("confirm".to_owned(), "yes".to_owned()));
        let request = server.http().post(server.url("/oauth2/logout"));
        let cookies: Vec<String> = ada
            .browser
            .cookies()
            .into_iter()
            .map(|(name, value)| match name.as_str() {
                "__Host-hp_s" => format!("{name}={stolen}"),
                _ => format!("{name}={value}"),
            })
            .collect();
        let request = request.header("cookie", cookies.join("; ")).form(&fields);
        server.send(request).await;
        assert!(is_account(&ada.browser.open("/account").await));
        let request = server
            .http()
            .get(server.url(&asking(&[("prompt", "none")])));
        let request = request.header("cookie", cookies.join("; "));
        let silent = server.send(request).await;
        assert_eq!(silent.redirect_parameters()["error"], "login_required");
    }
}

#[tokio::test]
async fn a_78_the_name_of_a_session_on_the_page_opens_nothing() {
    let server = TestServer::production(TOML).await;
    let ada = Ada::sign_in(&server).await;
    let page = ada.browser.open("/account").await;
    let name = |page: &Answer| {
        let start = page.body.find("value=\"b-").unwrap() + "value=\"b-".len();
        page.body[start..start + 32].to_owned()
    };
    let shown = name(&page);
    ada.step_up(&server).await;
    assert_eq!(name(&ada.browser.open("/account").await), shown, "it stays");
    for cookie in [
        shown.clone(),
        format!("hpb_{shown}"),
        format!("b-{shown}"),
        format!("{shown}{shown}"),
        format!("{shown}{:032}", 0),
    ] {
        assert!(!is_account(&shown_with(&server, &cookie).await), "{cookie}");
    }
}
