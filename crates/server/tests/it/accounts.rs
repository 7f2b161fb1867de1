//! Signing in with an account: rows S-12, S-15, S-25, S-49, S-51, S-52, S-65, S-133, S-227 to S-229,
//! S-240, S-263, A-34, A-39, A-76, A-78, and what guessers and neighbours try.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_protocol::Secret;
use hallpass_testing::person::{APPROVE, REDIRECT_URI, VERIFIER, without_challenges};
use hallpass_testing::{Answer, Person, TestServer};
use serde_json::Value;

pub(crate) const PASSWORD: &str = "engines of analysis";
const WRONG: &str = "do not belong together";

fn authorization(changes: &[(&str, &str)]) -> String {
    let path = Person::authorization_path_with("cli", "openid offline_access", changes);
    path.replace("/default/authorize", "/oauth2/authorize")
}

pub(crate) async fn log_in(person: &Person, username: &str, password: &str) -> Answer {
    let page = person.open("/login").await;
    fill_in(person, &page, username, password).await
}

pub(crate) async fn fill_in(
    person: &Person,
    page: &Answer,
    username: &str,
    password: &str,
) -> Answer {
    let fields = [("username", username), ("password", password)];
    person.submit(page, &fields).await
}

pub(crate) fn is_in(answer: &Answer) -> bool {
    answer.status == 200 && answer.body.contains("name=\"user_code\"")
}

fn session_of(person: &Person) -> Option<String> {
    person.cookies().get("__Host-hp_s").cloned()
}

pub(crate) async fn redeem(server: &TestServer, code: &str) -> Answer {
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "cli"),
        ("code", code),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", VERIFIER),
    ];
    server.post("/oauth2/token", &form).await
}

pub(crate) async fn refresh(server: &TestServer, token: &str) -> Answer {
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", "cli"),
        ("refresh_token", token),
    ];
    server.post("/oauth2/token", &form).await
}

pub(crate) async fn is_active(server: &TestServer, token: &str) -> bool {
    let answer = server
        .post_basic("/oauth2/introspect", ("rs", "s"), &[("token", token)])
        .await;
    answer.json()["active"] == true
}

/// Signs in to a client by the browser: its code.
pub(crate) async fn code(person: &Person, username: &str) -> String {
    let page = person.open(&authorization(&[])).await;
    let answer = if page.body.contains("name=\"password\"") {
        fill_in(person, &page, username, PASSWORD).await
    } else {
        person.submit(&page, &[("action", "continue")]).await
    };
    answer.redirect_parameters()["code"].clone()
}

fn claims(id_token: &str) -> Value {
    let payload = id_token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

fn assert_refused(answer: &Answer) {
    assert_eq!(answer.status, 400, "{}", answer.body);
    assert_eq!(answer.member("error"), "invalid_grant");
}

#[tokio::test]
async fn a_person_signs_in_with_a_password_and_the_tokens_say_how() {
    let server = TestServer::production("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    let code = code(&person, "ADA").await;
    let tokens = redeem(&server, &code).await;
    let id_token = claims(&tokens.member("id_token"));
    assert_eq!(id_token["acr"], "pwd");
    assert_eq!(id_token["amr"], serde_json::json!(["pwd"]));
    let account = server.accounts().find("ada").await.unwrap();
    assert_eq!(id_token["sub"], account.id.as_str());
    assert_ne!(
        id_token["sub"], "ada",
        "S-236: a name may come back, a subject never"
    );
    assert_eq!(id_token["auth_time"], hallpass_testing::server::START);
    assert!(account.last_login_at.is_some());
    // The refreshed token says the same of the sign-in (OIDC Core §12.2).
    server.advance(60);
    let refreshed = refresh(&server, &tokens.member("refresh_token")).await;
    let again = claims(&refreshed.member("id_token"));
    for name in ["sub", "acr", "amr", "auth_time"] {
        assert_eq!(again[name], id_token[name], "{name}");
    }
}

#[tokio::test]
async fn s_12_s_133_wrong_password_unknown_name_no_password_and_locked_are_one_answer() {
    let server = TestServer::production("").await;
    server.person_with_account("ada", PASSWORD).await;
    server.person_with_account("locked", PASSWORD).await;
    server.accounts().lock("locked").await.unwrap();
    let invited = hallpass_server::accounts::NewAccount {
        username: "invited".to_owned(),
        email: Some("invited@example.com".to_owned()),
        display_name: None,
        role: hallpass_server::accounts::Role::User,
        locale: None,
    };
    server.accounts().invite(invited).await.unwrap();
    let mut answers = Vec::new();
    for (name, password) in [
        ("ada", "wrong password"),
        ("ada", ""),
        ("nobody", PASSWORD),
        ("locked", PASSWORD),
        ("locked", "wrong password"),
        ("invited", PASSWORD),
        ("nobody@example.com", PASSWORD),
        ("invited@example.com", PASSWORD),
        ("ada@example.com", PASSWORD),
        ("<b>", PASSWORD),
    ] {
        let person = server.person();
        let answer = log_in(&person, name, password).await;
        assert_eq!(answer.status, 422, "{name}");
        assert!(answer.body.contains(WRONG), "{name}");
        assert_eq!(session_of(&person), None, "{name}");
        let mut body = answer
            .body
            .replace(name, "NAME")
            .replace("&#60;b&#62;", "NAME");
        let token = hallpass_testing::person::forms(&answer.body)[0].hidden[0]
            .1
            .clone();
        body = without_challenges(&body.replace(&token, "TOKEN"));
        let names: Vec<String> = answer.headers.keys().map(ToString::to_string).collect();
        answers.push((body, names));
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
    assert!(
        !answers[0].0.contains(PASSWORD),
        "the page repeats the password"
    );
}

#[tokio::test]
#[expect(
    clippy::disallowed_methods,
    reason = "the work is measured, not the server's time"
)]
async fn s_12_an_unknown_name_costs_the_same_work() {
    let server = TestServer::production("").await;
    server.person_with_account("ada", PASSWORD).await;
    // Medians of seven, each name from a page of its own: a missing hash would be a tenth.
    let time = async |name: &str| {
        let mut times = Vec::new();
        for _ in 0..7 {
            let person = server.person();
            let page = person.open("/login").await;
            let begun = std::time::Instant::now();
            fill_in(&person, &page, name, "wrong password").await;
            times.push(begun.elapsed());
        }
        times.sort();
        times[3]
    };
    let (known, unknown) = (time("ada").await, time("nobody").await);
    let ratio = known.as_secs_f64() / unknown.as_secs_f64();
    assert!((0.4..2.5).contains(&ratio), "{known:?} and {unknown:?}");
}

#[tokio::test]
async fn a_guesser_is_locked_out_for_a_while_and_a_lock_says_nothing_of_the_name() {
    let server = TestServer::production("").await;
    server.person_with_account("ada", PASSWORD).await;
    for name in ["ada", "nobody"] {
        let guesser = server.person();
        for n in 0..10 {
            let answer = log_in(&guesser, name, "wrong password").await;
            assert_eq!(answer.status, 422, "{name} {n}");
        }
        let locked = log_in(&guesser, name, PASSWORD).await;
        assert_eq!(
            locked.status, 429,
            "{name}: the right password is not looked at either"
        );
        assert_eq!(locked.header("retry-after"), "30");
        assert!(
            locked.body.contains("Try again in a minute"),
            "{}",
            locked.body
        );
        assert_eq!(session_of(&guesser), None);
    }
    server.advance(30);
    let person = server.person();
    assert!(is_in(&log_in(&person, "ada", PASSWORD).await));
    // The success forgave what was before.
    let again = log_in(&server.person(), "ada", "wrong password").await;
    assert_eq!(again.status, 422);
}

#[tokio::test]
async fn strangers_do_not_lock_the_owner_out_of_a_browser_that_signed_in_before() {
    let server = TestServer::production("").await;
    let owner = server.person_with_account("ada", PASSWORD).await;
    assert!(is_in(&log_in(&owner, "ada", PASSWORD).await));
    let stranger = server.person();
    for _ in 0..10 {
        log_in(&stranger, "Ada", "wrong password").await;
    }
    assert_eq!(log_in(&stranger, "ada", PASSWORD).await.status, 429);
    assert!(is_in(&log_in(&owner, "ada", PASSWORD).await));
    // It is a budget, not a way around one; and it is for that name only.
    for _ in 0..10 {
        assert_eq!(log_in(&owner, "ada", "wrong password").await.status, 422);
    }
    assert_eq!(log_in(&owner, "ada", PASSWORD).await.status, 429);
    // A cookie that was changed is a stranger's.
    let known = owner.cookies()["__Host-hp_k"].clone();
    let forged = format!("{}A", &known[..known.len() - 1]);
    server.advance(31);
    for _ in 0..9 {
        log_in(&server.person(), "bob", "wrong password").await;
    }
    let page = server.person().open("/login").await;
    let csrf = &hallpass_testing::person::forms(&page.body)[0].hidden[0].1;
    let cookie = format!(
        "{}; __Host-hp_k={forged}",
        page.header("set-cookie").split(';').next().unwrap()
    );
    let form = [
        ("csrf", csrf.as_str()),
        ("username", "bob"),
        ("password", "wrong password"),
    ];
    let request = server
        .http()
        .post(server.url("/login"))
        .header("cookie", cookie)
        .form(&form);
    assert_eq!(server.send(request).await.status, 422);
    assert_eq!(log_in(&server.person(), "bob", PASSWORD).await.status, 429);
}

#[tokio::test]
async fn an_address_that_tries_many_names_is_locked_out() {
    let server = TestServer::production("[limits]\nlogin_per_ip = \"12/15m\"").await;
    server.person_with_account("ada", PASSWORD).await;
    for n in 0..12 {
        let answer = log_in(&server.person(), &format!("name{n}"), "wrong password").await;
        assert_eq!(answer.status, 422, "{n}");
    }
    assert_eq!(log_in(&server.person(), "ada", PASSWORD).await.status, 429);
    let elsewhere = server.person_at(9);
    assert!(is_in(&log_in(&elsewhere, "ada", PASSWORD).await));
}

#[tokio::test]
async fn tries_at_the_same_time_are_no_way_around_the_budget() {
    let server = TestServer::production("").await;
    server.person_with_account("ada", PASSWORD).await;
    let person = server.person();
    let page = person.open("/login").await;
    let fields = [("username", "ada"), ("password", "wrong password")];
    let tries = (0..14).map(|_| person.submit(&page, &fields));
    let mut tasks = Vec::new();
    for one in tries {
        tasks.push(Box::pin(one));
    }
    let mut refused = Vec::new();
    // All of them are begun before the first ends.
    let mut pending = tasks;
    std::future::poll_fn(|context| {
        pending.retain_mut(|task| match Future::poll(task.as_mut(), context) {
            std::task::Poll::Ready(answer) => {
                refused.push(answer.status);
                false
            }
            std::task::Poll::Pending => true,
        });
        if pending.is_empty() {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    assert_eq!(refused.iter().filter(|status| **status == 422).count(), 10);
    assert_eq!(refused.iter().filter(|status| **status == 429).count(), 4);
}

#[tokio::test]
async fn cookies_are_host_bound_and_secure() {
    let server = TestServer::production("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    let page = person.open("/login").await;
    let form = &hallpass_testing::person::forms(&page.body)[0];
    let mut fields: Vec<_> = form
        .hidden
        .iter()
        .map(|(n, v)| (n.as_str(), v.as_str()))
        .collect();
    fields.extend([("username", "ada"), ("password", PASSWORD)]);
    let request = person.http().post(server.url("/login")).form(&fields);
    let answer = person.send(request).await;
    // Rows S-49 and A-34: the browser must not post the password on.
    assert_eq!(answer.status, 303);
    let cookies: Vec<_> = answer.headers.get_all("set-cookie").iter().collect();
    let session = cookies.iter().map(|cookie| cookie.to_str().unwrap());
    let session: Vec<_> = session
        .filter(|text| text.starts_with("__Host-hp_s="))
        .collect();
    assert_eq!(session.len(), 1);
    assert!(
        session[0].ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"),
        "{}",
        session[0]
    );
    for cookie in cookies.iter().map(|cookie| cookie.to_str().unwrap()) {
        assert!(
            cookie.starts_with("__Host-") && cookie.contains("; Secure"),
            "{cookie}"
        );
        assert!(
            !cookie.contains("Domain") && !cookie.contains(PASSWORD),
            "{cookie}"
        );
    }
    assert!(
        page.header("strict-transport-security")
            .contains("max-age=")
    );
}

#[tokio::test]
async fn a_78_the_cookie_is_new_at_each_sign_in_and_the_one_before_is_dead() {
    let server = TestServer::production("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    log_in(&person, "ada", PASSWORD).await;
    let first = session_of(&person).unwrap();
    log_in(&person, "ada", PASSWORD).await;
    let second = session_of(&person).unwrap();
    assert_ne!(first, second);
    let whoever_has = async |cookie: &str| {
        let request = server.http().get(server.url("/oauth2/logout"));
        let request = request.header("cookie", format!("__Host-hp_s={cookie}"));
        server.send(request).await.body.contains("Signed in as")
    };
    assert!(whoever_has(&second).await);
    assert!(!whoever_has(&first).await, "the old cookie still signs in");
    assert!(!whoever_has("hpb_planted").await);
    // What an attacker planted beforehand is not taken up.
    let victim = server.person();
    let planted = second.clone();
    let page = victim.open("/login").await;
    let form = &hallpass_testing::person::forms(&page.body)[0];
    let mut fields: Vec<_> = form
        .hidden
        .iter()
        .map(|(n, v)| (n.as_str(), v.as_str()))
        .collect();
    fields.extend([("username", "ada"), ("password", PASSWORD)]);
    let cookie = format!(
        "{}; __Host-hp_s={planted}",
        page.header("set-cookie").split(';').next().unwrap()
    );
    let request = server
        .http()
        .post(server.url("/login"))
        .header("cookie", cookie)
        .form(&fields);
    let answer = server.send(request).await;
    assert_eq!(answer.status, 303);
    assert!(!answer.header("set-cookie").contains(&planted));
    assert!(!whoever_has(&planted).await);
}

#[tokio::test]
async fn s_15_a_sign_in_form_from_elsewhere_is_refused() {
    let server = TestServer::production("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    let fields = [("username", "ada"), ("password", PASSWORD)];
    // Production has no exception for programs: they have grants of their own.
    let bare = person
        .send(person.http().post(server.url("/login")).form(&fields))
        .await;
    assert_eq!(bare.status, 403);
    let page = person.open("/login").await;
    let other = server.person();
    other.open("/login").await;
    let stolen = other.submit(&page, &fields).await;
    assert_eq!(stolen.status, 403, "a form of another browser");
    let form = &hallpass_testing::person::forms(&page.body)[0];
    let mut all: Vec<_> = form
        .hidden
        .iter()
        .map(|(n, v)| (n.as_str(), v.as_str()))
        .collect();
    all.extend(fields);
    let cross = person.http().post(server.url("/login")).form(&all);
    let cross = person
        .send(cross.header("sec-fetch-site", "cross-site"))
        .await;
    assert_eq!(cross.status, 403);
    assert_eq!(session_of(&person), None);
}

#[tokio::test]
async fn s_50_s_51_s_52_the_pages_of_accounts_are_framed_by_nobody_and_lead_nowhere_else() {
    let server = TestServer::production("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    for path in [
        "/login?next=https://evil.test&redirect_uri=https://evil.test",
        "/login/recover?next=https://evil.test",
        "/login/password?link=x&next=https://evil.test",
    ] {
        let request = person
            .http()
            .get(server.url(path))
            .header("origin", "https://evil.test");
        let answer = person.send(request).await;
        assert!(
            answer
                .header("content-security-policy")
                .contains("frame-ancestors 'none'"),
            "{path}"
        );
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert!(!answer.body.contains("evil.test"), "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "", "{path}");
    }
    let page = person.open("/login?next=https://evil.test").await;
    let form = &hallpass_testing::person::forms(&page.body)[0];
    let mut fields: Vec<_> = form
        .hidden
        .iter()
        .map(|(n, v)| (n.as_str(), v.as_str()))
        .collect();
    fields.extend([
        ("username", "ada"),
        ("password", PASSWORD),
        ("next", "https://evil.test"),
    ]);
    let answer = person
        .send(person.http().post(server.url("/login")).form(&fields))
        .await;
    assert_eq!((answer.status, answer.header("location")), (303, "/device"));
}

#[tokio::test]
async fn s_227_s_228_s_229_prompt_and_max_age_against_real_sessions() {
    let server = TestServer::production("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    let web = |changes: &[(&str, &str)]| {
        let redirect = ("redirect_uri", "https://app.test/cb");
        let changes: Vec<_> = [redirect].iter().chain(changes).copied().collect();
        let path = Person::authorization_path_with("web", "openid", &changes);
        path.replace("/default/authorize", "/oauth2/authorize")
    };
    let error = person.open(&web(&[("prompt", "none")])).await;
    assert_eq!(error.redirect_parameters()["error"], "login_required");
    log_in(&person, "ada", PASSWORD).await;
    let silent = person.open(&web(&[("prompt", "none")])).await;
    assert!(silent.redirect_parameters().contains_key("code"));
    server.advance(100);
    let old = person
        .open(&web(&[("prompt", "none"), ("max_age", "100")]))
        .await;
    assert_eq!(old.redirect_parameters()["error"], "login_required");
    for changes in [
        [("prompt", "login")],
        [("max_age", "0")],
        [("max_age", "99")],
    ] {
        let page = person.open(&web(&changes)).await;
        assert!(page.body.contains("name=\"password\""), "{changes:?}");
        let wrong = fill_in(&person, &page, "ada", "wrong password").await;
        assert_eq!(wrong.status, 422, "{changes:?}: the session was enough");
        let right = fill_in(&person, &wrong, "ada", PASSWORD).await;
        assert!(
            right.redirect_parameters().contains_key("code"),
            "{changes:?}"
        );
        server.advance(100);
    }
}

#[tokio::test]
async fn s_240_s_243_s_246_a_76_signing_out_asks_and_ends_the_session() {
    let server = TestServer::production("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    let code = code(&person, "ada").await;
    let tokens = redeem(&server, &code).await;
    let online = person.open(&authorization(&[("scope", "openid")])).await;
    let online = person.submit(&online, &[("action", "continue")]).await;
    let online = redeem(&server, &online.redirect_parameters()["code"]).await;
    let page = person.open("/oauth2/logout").await;
    assert!(page.body.contains("ada"), "the page says who is signed in");
    assert!(
        !page
            .body
            .contains(server.accounts().find("ada").await.unwrap().id.as_str())
    );
    assert!(
        person
            .open("/oauth2/logout")
            .await
            .body
            .contains("Signed in as"),
        "GET signed out"
    );
    let cookie = session_of(&person).unwrap();
    let done = person.submit(&page, &[("confirm", "yes")]).await;
    assert!(done.body.contains("signed out"));
    assert_eq!(session_of(&person), None);
    let request = server.http().get(server.url("/oauth2/logout"));
    let request = request.header("cookie", format!("__Host-hp_s={cookie}"));
    assert!(
        !server.send(request).await.body.contains("Signed in as"),
        "the session lives on"
    );
    assert!(!is_active(&server, &online.member("access_token")).await);
    // Offline access was asked for: it outlives the browser.
    assert_eq!(
        refresh(&server, &tokens.member("refresh_token"))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn sessions_end_when_they_are_idle_and_at_their_absolute_end() {
    let settings = "[ttl]\nsso_idle = \"1h\"\nsso_absolute = \"3h\"";
    let server = TestServer::production(settings).await;
    let person = server.person_with_account("ada", PASSWORD).await;
    let is_signed_in = async || {
        person
            .open("/oauth2/logout")
            .await
            .body
            .contains("Signed in as")
    };
    log_in(&person, "ada", PASSWORD).await;
    for _ in 0..5 {
        server.advance(35 * 60);
        assert!(is_signed_in().await, "a session that is used");
    }
    server.advance(5 * 60);
    assert!(!is_signed_in().await, "three hours are over");
    log_in(&person, "ada", PASSWORD).await;
    server.advance(3600);
    assert!(!is_signed_in().await, "an idle hour is over");
}

#[tokio::test]
async fn s_65_a_39_a_lock_a_new_password_and_revoke_all_end_every_token_and_session() {
    for way in ["lock", "password", "revoke"] {
        let server = TestServer::production("").await;
        let person = server.person_with_account("ada", PASSWORD).await;
        let bystander = server.person_with_account("bob", PASSWORD).await;
        let tokens = redeem(&server, &code(&person, "ada").await).await;
        let others = redeem(&server, &code(&bystander, "bob").await).await;
        assert!(is_active(&server, &tokens.member("access_token")).await);
        let accounts = server.accounts();
        match way {
            "lock" => accounts.lock("ada").await.unwrap(),
            "password" => {
                let new = Secret::new("another good password".to_owned());
                accounts.set_password("ada", new).await.unwrap()
            }
            _ => accounts.revoke_all("ada").await.unwrap(),
        };
        assert_refused(&refresh(&server, &tokens.member("refresh_token")).await);
        assert!(
            !is_active(&server, &tokens.member("access_token")).await,
            "{way}"
        );
        let page = person.open("/oauth2/logout").await;
        assert!(
            !page.body.contains("Signed in as"),
            "{way}: the browser is signed in"
        );
        // Nobody else is touched.
        assert_eq!(
            refresh(&server, &others.member("refresh_token"))
                .await
                .status,
            200
        );
        assert!(
            bystander
                .open("/oauth2/logout")
                .await
                .body
                .contains("Signed in as")
        );
        let back = log_in(&person, "ada", PASSWORD).await;
        assert_eq!(is_in(&back), way == "revoke", "{way}");
        if way == "lock" {
            accounts.unlock("ada").await.unwrap();
            assert_refused(&refresh(&server, &tokens.member("refresh_token")).await);
            assert!(is_in(&log_in(&person, "ada", PASSWORD).await));
        }
    }
}

#[tokio::test]
async fn s_25_s_263_a_97_what_was_approved_and_not_redeemed_dies_with_the_account_s_epoch() {
    for way in ["lock", "password", "revoke", "lock and unlock"] {
        let server = TestServer::production("").await;
        let person = server.person_with_account("ada", PASSWORD).await;
        let code = code(&person, "ada").await;
        let form = [("client_id", "cli"), ("scope", "openid")];
        let device = server.post("/oauth2/device_authorization", &form).await;
        let entry = person.open("/device").await;
        let user_code = device.member("user_code");
        let confirm = person.submit(&entry, &[("user_code", &user_code)]).await;
        let done = person.submit(&confirm, APPROVE).await;
        assert!(done.body.contains("ada"), "{}", done.body);
        let accounts = server.accounts();
        match way {
            "password" => {
                let new = Secret::new("another good password".to_owned());
                accounts.set_password("ada", new).await.unwrap();
            }
            "revoke" => drop(accounts.revoke_all("ada").await.unwrap()),
            _ => drop(accounts.lock("ada").await.unwrap()),
        }
        if way == "lock and unlock" {
            accounts.unlock("ada").await.unwrap();
        }
        assert_refused(&redeem(&server, &code).await);
        let grant = "urn:ietf:params:oauth:grant-type:device_code";
        let form = [
            ("grant_type", grant),
            ("client_id", "cli"),
            ("device_code", &device.member("device_code")),
        ];
        assert_refused(&server.post("/oauth2/token", &form).await);
    }
}

#[tokio::test]
async fn s_263_a_97_a_race_of_redemption_and_lock_leaves_no_live_authorization() {
    let server = TestServer::production("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    for _ in 0..20 {
        log_in(&person, "ada", PASSWORD).await;
        let code = code(&person, "ada").await;
        let accounts = server.accounts();
        let (tokens, locked) = tokio::join!(redeem(&server, &code), accounts.lock("ada"));
        locked.unwrap();
        if tokens.status == 200 {
            assert_refused(&refresh(&server, &tokens.member("refresh_token")).await);
            assert!(!is_active(&server, &tokens.member("access_token")).await);
        } else {
            assert_refused(&tokens);
        }
        accounts.unlock("ada").await.unwrap();
    }
}

#[tokio::test]
async fn a_form_of_a_locked_person_decides_nothing() {
    let server = TestServer::production("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    log_in(&person, "ada", PASSWORD).await;
    let page = person.open(&authorization(&[])).await;
    assert!(page.body.contains("Continue as"), "{}", page.body);
    server.accounts().lock("ada").await.unwrap();
    let answer = person.submit(&page, &[("action", "continue")]).await;
    assert!(
        !answer.header("location").contains("code="),
        "{}",
        answer.header("location")
    );
    assert!(answer.body.contains("name=\"password\""));
}

#[tokio::test]
async fn dev_mode_has_no_pages_for_passwords() {
    let server = TestServer::dev().await;
    for path in [
        "/login/recover",
        "/login/password",
        "/.well-known/change-password",
        "/account",
        "/account/password",
        "/account/delete",
    ] {
        assert_eq!(server.get(path).await.status, 404, "{path}");
    }
}
