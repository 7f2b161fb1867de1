//! What must not be told by the time that it takes: rows S-12, S-133 and A-75. Nothing is timed here,
//! since a busy machine would decide; the statements that the database is asked are compared instead.

use hallpass_protocol::Secret;
use hallpass_server::accounts::{NewAccount, Role};
use hallpass_testing::person::APPROVE;
use hallpass_testing::server::{CLIENTS, production_settings};
use hallpass_testing::{Answer, Person, TestPostgres, TestServer};

use crate::accounts::{PASSWORD, code, fill_in, is_in, log_in, redeem};
use crate::languages::mailbox;

/// Tables that the server looks at by itself from time to time.
const BY_ITSELF: [&str; 6] = [
    "revocation_feed",
    "FROM email_outbox",
    "nodes",
    "ring_keys",
    "signing_keys",
    "audit_",
];

/// A server whose database tells what it was asked.
struct Watched {
    server: TestServer,
    postgres: TestPostgres,
    database: String,
    _folder: tempfile::TempDir,
}

impl Watched {
    async fn start() -> Self {
        Self::start_with("[login]\nrequire_mfa = \"off\"\n").await
    }

    async fn start_with(toml: &str) -> Self {
        let postgres = TestPostgres::watched();
        let folder = tempfile::tempdir().unwrap();
        let address = postgres.database();
        let database = address.split('?').next().unwrap();
        let database = database.rsplit('/').next().unwrap().to_owned();
        let toml = format!("{toml}{CLIENTS}");
        let mut settings = production_settings(&toml, folder.path(), &address);
        settings.consent = None;
        Self {
            server: TestServer::start(settings).await,
            postgres,
            database,
            _folder: folder,
        }
    }

    /// What the database was asked meanwhile, in an order that does not matter.
    async fn asked(&self, request: impl Future<Output = Answer>) -> (Vec<String>, Answer) {
        let before = self.postgres.statements(&self.database).len();
        let answer = request.await;
        let mut asked = self.postgres.statements(&self.database).split_off(before);
        // What the server does by itself has transactions of its own.
        asked.retain(|sql| !["BEGIN", "COMMIT", "ROLLBACK"].contains(&sql.as_str()));
        asked.retain(|sql| !BY_ITSELF.iter().any(|table| sql.contains(table)));
        asked.sort();
        (asked, answer)
    }

    /// What the database was asked until a mail lay in the outbox, in that order. What follows is done
    /// without anybody who waits; it is over when this ends.
    async fn asked_until_outbox(
        &self,
        request: impl Future<Output = Answer>,
    ) -> (Vec<String>, Answer) {
        let before = self.postgres.statements(&self.database).len();
        let answer = request.await;
        let waiting = "SELECT count(*) FROM email_outbox";
        while self.postgres.sql(&self.database, waiting) != "0" {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        let mut asked = self.postgres.statements(&self.database).split_off(before);
        asked.retain(|sql| !BY_ITSELF.iter().any(|table| sql.contains(table)));
        let is_last = |sql: &String| sql.contains("INSERT INTO email_outbox");
        let last = asked.iter().position(is_last).expect("a mail is due");
        asked.truncate(last + 1);
        asked.retain(|sql| sql != "COMMIT" && sql != "ROLLBACK");
        (asked, answer)
    }

    /// What it is asked for a sign-in, in a browser of its own.
    async fn guess(&self, name: &str, password: &str) -> (Vec<String>, Answer) {
        let person = self.server.person();
        let page = person.open("/login").await;
        self.asked(fill_in(&person, &page, name, password)).await
    }

    /// That all of these are the same work, and get the same answer.
    fn assert_same(kinds: &[(&str, (Vec<String>, Answer))]) {
        let (_, (first, answer)) = &kinds[0];
        assert!(!first.is_empty(), "the database was asked nothing");
        for (kind, (asked, other)) in kinds {
            assert_eq!(asked, first, "{kind}");
            assert_eq!(other.status, answer.status, "{kind}");
        }
    }
}

fn nobody_s_address(username: &str) -> NewAccount {
    NewAccount {
        username: username.to_owned(),
        email: None,
        display_name: None,
        role: Role::User,
        locale: None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_12_a_wrong_password_is_the_same_work_for_every_name() {
    let watched = Watched::start().await;
    let server = &watched.server;
    let accounts = server.accounts();
    server.person_with_account("ada", PASSWORD).await;
    server.person_with_account("locked", PASSWORD).await;
    accounts.lock("locked").await.unwrap();
    let invited = nobody_s_address("invited");
    accounts.create(invited).await.unwrap();
    // A name that looks like an address is looked for twice, whether it is found or not.
    let eve = nobody_s_address("eve@example.org");
    let password = Secret::new(PASSWORD.to_owned());
    accounts.create_with_password(eve, password).await.unwrap();
    let names = ["nobody@example.org", "eve@example.org", "ada@example.com"];
    let mut kinds = Vec::new();
    for name in names {
        kinds.push((name, watched.guess(name, "wrong password").await));
    }
    Watched::assert_same(&kinds);
    let mut kinds = Vec::new();
    for name in ["nobody", "ada", "locked", "invited"] {
        kinds.push((name, watched.guess(name, "wrong password").await));
    }
    // The right password of a locked account, too.
    kinds.push(("right and locked", watched.guess("locked", PASSWORD).await));
    Watched::assert_same(&kinds);
    assert!(is_in(&log_in(&server.person(), "ada", PASSWORD).await));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_12_asking_for_an_account_is_the_same_work_for_every_address() {
    let (_mails, mail) = mailbox();
    let login = "[login]\nrequire_mfa = \"off\"\nregistration = \"open\"\n";
    let watched = Watched::start_with(&format!("{mail}{login}")).await;
    let server = &watched.server;
    server.person_with_account("ada", PASSWORD).await;
    server.person_with_account("locked", PASSWORD).await;
    server.accounts().lock("locked").await.unwrap();
    let mut kinds = Vec::new();
    for email in [
        "nobody@example.com",
        "ada@example.com",
        "locked@example.com",
        // Of the same mailbox, which has had its mail for now.
        "nobody+1@example.com",
        "no address, and with an @",
    ] {
        let person = server.person();
        let page = person.open("/login/sign-up").await;
        let fields = [("email", email)];
        let typed = person.submit(&page, &fields);
        kinds.push((email, watched.asked_until_outbox(typed).await));
    }
    Watched::assert_same(&kinds);
    let (_, (_, first)) = &kinds[0];
    assert!(
        kinds
            .iter()
            .all(|(_, (_, answer))| answer.body == first.body)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_12_a_user_code_that_is_not_valid_is_the_same_work_whyever() {
    let watched = Watched::start().await;
    let server = &watched.server;
    let ada = server.person_with_account("ada", PASSWORD).await;
    assert!(is_in(&log_in(&ada, "ada", PASSWORD).await));
    let start = async || {
        let form = [("client_id", "cli"), ("scope", "openid")];
        let started = server.post("/oauth2/device_authorization", &form).await;
        (started.member("user_code"), started)
    };
    let enter = async |person: &Person, user_code: &str| {
        let page = person.open("/device").await;
        person.submit(&page, &[("user_code", user_code)]).await
    };
    let (expired, _) = start().await;
    server.advance(600);
    let (used, started) = start().await;
    ada.submit(&enter(&ada, &used).await, APPROVE).await;
    let poll = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("client_id", "cli"),
        ("device_code", &started.member("device_code")),
    ];
    assert_eq!(server.post("/oauth2/token", &poll).await.status, 200);
    let (denied, _) = start().await;
    ada.submit(&enter(&ada, &denied).await, &[("action", "deny")])
        .await;
    let mut kinds = Vec::new();
    for (kind, user_code) in [
        ("unknown", "BCDF-GHJK"),
        ("expired", &expired),
        ("used", &used),
        ("denied", &denied),
    ] {
        let person = server.person();
        let page = person.open("/device").await;
        let fields = [("user_code", user_code)];
        let typed = person.submit(&page, &fields);
        kinds.push((kind, watched.asked(typed).await));
    }
    Watched::assert_same(&kinds);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_133_a_66_an_unknown_client_and_a_wrong_secret_are_the_same_work() {
    let watched = Watched::start().await;
    let server = &watched.server;
    let form = [("grant_type", "client_credentials"), ("scope", "a")];
    let mut asked = Vec::new();
    for (client, secret) in [("svc", "wrong"), ("nobody", "wrong"), ("svc", "s3cre")] {
        let tried = server.post_basic("/oauth2/token", (client, secret), &form);
        let (statements, answer) = watched.asked(tried).await;
        assert_eq!(answer.refusal(), (401, "invalid_client".to_owned()));
        asked.push(statements);
    }
    assert_eq!(asked[0], asked[1]);
    assert_eq!(asked[0], asked[2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_75_revoking_what_was_revoked_and_what_never_was_is_the_same_work() {
    let watched = Watched::start().await;
    let server = &watched.server;
    let person = server.person_with_account("ada", PASSWORD).await;
    let ended = redeem(server, &code(&person, "ada").await).await;
    let revoke = |token: String| async move {
        let form = [("client_id", "cli"), ("token", token.as_str())];
        server.post("/oauth2/revoke", &form).await
    };
    let token = ended.member("refresh_token");
    assert_eq!(revoke(token.clone()).await.status, 200);
    let over = watched.asked(revoke(token.clone())).await;
    // Nobody but this server can make a token whose MAC is right: any other is refused before the
    // database is asked, and says nothing of what the database holds.
    let mut guessed = token.clone();
    let last = if guessed.ends_with('a') { 'b' } else { 'a' };
    guessed.pop();
    guessed.push(last);
    let unknown = watched.asked(revoke(guessed)).await;
    let nonsense = watched.asked(revoke("guess".to_owned())).await;
    assert_eq!(unknown.0, Vec::<String>::new());
    assert_eq!(nonsense.0, Vec::<String>::new());
    assert_eq!(over.1.status, unknown.1.status);
}
