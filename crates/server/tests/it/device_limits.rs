//! How often devices may be started, from which networks they may be approved: rows S-11, S-270.

use hallpass_testing::person::APPROVE;
use hallpass_testing::{Answer, Person, TestServer};

const PASSWORD: &str = "engines of analysis";

/// The test is the proxy, and says from where a request comes.
async fn behind_a_proxy(toml: &str) -> TestServer {
    TestServer::production(&format!("trusted_proxies = [\"127.0.0.0/8\"]\n{toml}")).await
}

async fn start(server: &TestServer, client: &str, from: &str) -> Answer {
    let request = server
        .http()
        .post(server.url("/oauth2/device_authorization"))
        .form(&[("client_id", client), ("scope", "openid")]);
    let request = match from {
        "" => request,
        from => request.header("x-forwarded-for", from),
    };
    server.send(request).await
}

async fn poll(server: &TestServer, device_code: &str, from: &str) -> Answer {
    let request = server.http().post(server.url("/oauth2/token")).form(&[
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("client_id", "cli"),
        ("device_code", device_code),
    ]);
    let request = match from {
        "" => request,
        from => request.header("x-forwarded-for", from),
    };
    server.send(request).await
}

/// The page after code and sign-in.
async fn confirm(person: &Person, user_code: &str) -> Answer {
    let entry = person.open("/device").await;
    let login = person.submit(&entry, &[("user_code", user_code)]).await;
    if !login.body.contains("name=\"password\"") {
        return login;
    }
    let fields = [("username", "ada"), ("password", PASSWORD)];
    person.submit(&login, &fields).await
}

#[track_caller]
fn assert_too_many(answer: &Answer, wait: &str) {
    let told = (answer.status, answer.header("retry-after"));
    assert_eq!(told, (429, wait), "{}", answer.body);
    assert_eq!(answer.member("error"), "temporarily_unavailable");
}

#[tokio::test]
async fn s_11_an_address_starts_ten_devices_a_minute() {
    let server = behind_a_proxy("").await;
    for _ in 0..10 {
        assert_eq!(start(&server, "cli", "2001:db8::1").await.status, 200);
    }
    assert_too_many(&start(&server, "cli", "2001:db8::1").await, "60");
    server.advance(59);
    // Its neighbour in the /64 is the same host; one in the next network is not.
    assert_too_many(&start(&server, "cli", "2001:db8::ffff").await, "1");
    assert_eq!(start(&server, "cli", "2001:db8:0:1::1").await.status, 200);
    assert_eq!(start(&server, "cli", "192.0.2.1").await.status, 200);
    // What was refused did not lengthen the wait.
    server.advance(1);
    assert_eq!(start(&server, "cli", "2001:db8::1").await.status, 200);
}

#[tokio::test]
async fn s_11_one_client_has_its_own_budget_and_strangers_lock_nobody_out() {
    let limits = "[limits]\ndevice_start_per_ip = \"100/1m\"\ndevice_start_per_client = \"2/1m\"\n\
                  [[client]]\nid = \"second\"\ngrants = [\"device_code\"]\nscopes = [\"openid\"]\n";
    let server = behind_a_proxy(limits).await;
    for _ in 0..2 {
        assert_eq!(start(&server, "cli", "192.0.2.1").await.status, 200);
    }
    assert_too_many(&start(&server, "cli", "192.0.2.1").await, "60");
    assert_eq!(start(&server, "second", "192.0.2.1").await.status, 200);
    assert_eq!(start(&server, "cli", "192.0.2.2").await.status, 200);
    // Whoever is no client of ours fills no budget.
    for _ in 0..3 {
        assert_eq!(
            start(&server, "nobody", "192.0.2.3").await.member("error"),
            "invalid_client"
        );
    }
}

#[tokio::test]
async fn s_11_dev_mode_counts_no_starts_unless_it_is_told_to() {
    let server = TestServer::dev().await;
    for _ in 0..80 {
        assert_eq!(server.start_device("cli", "openid").await.status, 200);
    }
    let counting = TestServer::strict(
        "[limits]\ndevice_start_per_ip = \"1/1m\"\n[[client]]\nid = \"cli\"\n\
         grants = [\"device_code\"]\nscopes = [\"openid\"]\n",
    );
    let counting = counting.await;
    assert_eq!(counting.start_device("cli", "openid").await.status, 200);
    assert_too_many(&counting.start_device("cli", "openid").await, "60");
}

#[tokio::test]
async fn s_270_the_page_compares_networks_by_family() {
    let server = behind_a_proxy("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    for (from, words, alarm) in [
        ("", "Same as yours", false),
        ("203.0.113.9", "Different from yours", true),
        ("2001:db8::1", "Cannot be compared with yours", false),
    ] {
        let started = start(&server, "cli", from).await;
        let page = confirm(&person, &started.member("user_code")).await;
        assert!(page.body.contains(words), "{from}: {}", page.body);
        assert_eq!(page.body.contains("Stop and check."), alarm, "{from}");
    }
}

#[tokio::test]
async fn s_270_where_a_device_polls_from_counts_too() {
    let server = behind_a_proxy("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    for (start_at, poll_at, words) in [
        // The code was asked for here, and somebody far away waits for the tokens.
        ("", "203.0.113.9", "Different from yours"),
        // The other family of one host makes the networks comparable.
        ("2001:db8::1", "", "Same as yours"),
        ("2001:db8::1", "203.0.113.9", "Different from yours"),
    ] {
        let started = start(&server, "cli", start_at).await;
        let polled = poll(&server, &started.member("device_code"), poll_at).await;
        assert_eq!(polled.member("error"), "authorization_pending");
        let page = confirm(&person, &started.member("user_code")).await;
        assert!(
            page.body.contains(words),
            "{start_at} {poll_at}: {}",
            page.body
        );
    }
}

#[tokio::test]
async fn s_270_a_104_behind_a_proxy_that_nobody_configured_nothing_is_known() {
    let server = TestServer::production("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    for from in ["127.0.0.1", "203.0.113.9"] {
        let started = start(&server, "cli", from).await;
        poll(&server, &started.member("device_code"), from).await;
        let page = confirm(&person, &started.member("user_code")).await;
        assert!(
            page.body.contains("Cannot be compared with yours"),
            "{from}: {}",
            page.body
        );
        assert!(!page.body.contains("Stop and check."), "{from}");
    }
}

fn requiring(word: &str) -> String {
    format!(
        "[[client]]\nid = \"careful\"\ngrants = [\"device_code\"]\nscopes = [\"openid\"]\n\
         device = {{ require = \"{word}\" }}\n"
    )
}

#[tokio::test]
async fn s_270_a_104_a_client_may_need_the_same_network() {
    let server = behind_a_proxy(&requiring("same-network")).await;
    let person = server.person_with_account("ada", PASSWORD).await;
    let started = start(&server, "careful", "203.0.113.9").await;
    let page = confirm(&person, &started.member("user_code")).await;
    assert_eq!(page.status, 403);
    let words = "another network than this browser";
    assert!(page.body.contains(words), "{}", page.body);
    let started = start(&server, "careful", "").await;
    let page = confirm(&person, &started.member("user_code")).await;
    let done = person.submit(&page, APPROVE).await;
    assert!(done.body.contains("signed in"), "{}", done.body);
}

#[tokio::test]
async fn s_270_a_form_from_another_network_than_the_page_is_refused() {
    let server = behind_a_proxy(&requiring("same-network")).await;
    let person = server.person_with_account("ada", PASSWORD).await;
    let started = start(&server, "careful", "").await;
    let page = confirm(&person, &started.member("user_code")).await;
    let form = hallpass_testing::person::forms(&page.body).remove(0);
    let fields: Vec<(String, String)> = form.hidden;
    let approve = APPROVE
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let fields: Vec<_> = fields.into_iter().chain(approve).collect();
    let elsewhere = person
        .http()
        .post(server.url(&form.action))
        .header("x-forwarded-for", "203.0.113.9")
        .form(&fields);
    assert_eq!(person.send(elsewhere).await.status, 403);
    // The person can still approve it from the right one.
    let done = person.submit(&page, APPROVE).await;
    assert!(done.body.contains("signed in"), "{}", done.body);
}

#[tokio::test]
async fn where_no_second_factor_is_taken_a_device_that_needs_one_is_refused() {
    let off = "[login]\ntotp = false\npasskey = false\n";
    let server = behind_a_proxy(&format!("{off}{}", requiring("mfa"))).await;
    let person = server.person_with_account("ada", PASSWORD).await;
    let started = start(&server, "careful", "").await;
    let page = confirm(&person, &started.member("user_code")).await;
    assert_eq!(page.status, 403);
    assert!(
        page.body.contains("this server takes none"),
        "{}",
        page.body
    );
}

#[tokio::test]
async fn s_248_the_device_flow_may_be_off_for_one_client_or_for_all_but_one() {
    let server = behind_a_proxy(&requiring("off")).await;
    let refused = start(&server, "careful", "").await;
    assert_eq!(refused.refusal(), (400, "unauthorized_client".to_owned()));
    assert_eq!(start(&server, "cli", "").await.status, 200);
    let toml = format!("[device]\nrequire = \"off\"\n{}", requiring("confirm"));
    let server = behind_a_proxy(&toml).await;
    assert_eq!(start(&server, "careful", "").await.status, 200);
    assert_eq!(
        start(&server, "cli", "").await.member("error"),
        "unauthorized_client"
    );
}
