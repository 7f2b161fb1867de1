//! What a thief of refresh tokens can try, and how far it gets: rows.

use hallpass_server::Settings;
use hallpass_testing::server::{CLIENTS, production_settings};
use hallpass_testing::{Answer, TestServer};

use crate::accounts::{PASSWORD, code, is_active, redeem, refresh};
use crate::dpop::{self, Owner};

fn assert_invalid_grant(answer: &Answer) {
    assert_eq!(answer.refusal(), (400, "invalid_grant".to_owned()));
}

/// The refresh token of an answer, which is a good one.
#[track_caller]
fn next(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.member("refresh_token")
}

#[tokio::test]
async fn a_93_a_thief_who_keeps_the_family_young_is_noticed() {
    // The victim comes back so many seconds after the theft.
    for comes_back in [31, 39, 40, 41, 59, 61, 600] {
        let server = TestServer::registered().await;
        let tokens = server.sign_in("cli", "openid offline_access", "ada").await;
        let sid = tokens.claims("access_token")["sid"].clone();
        let stolen = next(&tokens);
        let mut newest = server.refresh("cli", &stolen).await;
        let mut seconds = 0;
        while seconds < comes_back {
            let step = (comes_back - seconds).min(20);
            server.advance(step);
            seconds += step;
            if step == 20 {
                newest = server.refresh("cli", &next(&newest)).await;
            }
        }
        assert_eq!(newest.status, 200, "{}", newest.body);
        assert_invalid_grant(&server.refresh("cli", &stolen).await);
        // The thief loses all of it.
        assert_invalid_grant(&server.refresh("cli", &next(&newest)).await);
        assert!(!server.is_active(&newest.member("access_token")).await);
        assert!(!server.is_active(&tokens.member("access_token")).await);
        let told = ["refresh.reuse", "\"alert\"", sid.as_str().unwrap()];
        assert!(server.has_audited(&told).await, "after {comes_back} s");
    }
}

/// Refreshes from another network: the test is the proxy.
async fn refresh_from(server: &TestServer, token: &str, from: &str) -> Answer {
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", "cli"),
        ("refresh_token", token),
    ];
    let request = server.http().post(server.url("/oauth2/token"));
    let request = request.header("x-forwarded-for", from).form(&form);
    server.send(request).await
}

#[tokio::test]
async fn s_259_a_94_a_retired_token_from_elsewhere_gets_the_same_successor_and_is_told() {
    let server = TestServer::production("trusted_proxies = [\"127.0.0.0/8\"]").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    let tokens = redeem(&server, &code(&person, "ada").await).await;
    let sid = tokens.claims("access_token")["sid"].clone();
    let told = async |event: &str, from: &str| {
        let event = format!("\"{event}\"");
        server
            .has_audited(&[&event, sid.as_str().unwrap(), from])
            .await
    };
    let mut token = next(&tokens);
    for _ in 0..3 {
        let rotated = next(&refresh_from(&server, &token, "192.0.2.1").await);
        server.advance(10);
        // An answer that is lost at home is no signal.
        let again = refresh_from(&server, &token, "192.0.2.1").await;
        assert_eq!(next(&again), rotated);
        assert!(told("refresh.grace", "192.0.2.1").await);
        assert!(!told("refresh.grace_elsewhere", "192.0.2.1").await);
        let again = refresh_from(&server, &token, "203.0.113.9").await;
        assert_eq!(next(&again), rotated, "one live leaf");
        assert!(told("refresh.grace_elsewhere", "203.0.113.9").await);
        // The victim goes on undisturbed.
        server.advance(60);
        token = rotated;
    }
    // After the grace it is reuse, wherever it comes from.
    let rotated = next(&refresh_from(&server, &token, "192.0.2.1").await);
    server.advance(31);
    assert_invalid_grant(&refresh_from(&server, &token, "203.0.113.9").await);
    assert_invalid_grant(&refresh_from(&server, &rotated, "192.0.2.1").await);
}

#[tokio::test]
async fn s_259_a_94_the_policy_revoke_ends_the_family() {
    let server = TestServer::production(
        "trusted_proxies = [\"127.0.0.0/8\"]\n[refresh]\ngrace_elsewhere = \"revoke\"\n",
    )
    .await;
    let person = server.person_with_account("ada", PASSWORD).await;
    let tokens = redeem(&server, &code(&person, "ada").await).await;
    let sid = tokens.claims("access_token")["sid"].clone();
    let told = async |from: &str| {
        let sid = sid.as_str().unwrap();
        let words = ["\"alert\"", "refresh.grace_elsewhere", sid, from];
        server.has_audited(&words).await
    };
    let first = next(&tokens);
    // At home, in the other family of addresses, and where nothing is known, it is forgiven.
    let rotated = refresh_from(&server, &first, "2001:db8::1").await;
    for from in ["2001:db8::ffff:2", "192.0.2.1"] {
        let again = refresh_from(&server, &first, from).await;
        assert_eq!(next(&again), next(&rotated), "{from}");
        assert!(!told(from).await);
    }
    let thief = refresh_from(&server, &first, "2001:db8:0:1::9").await;
    assert_invalid_grant(&thief);
    assert!(told("2001:db8:0:1::9").await);
    assert_invalid_grant(&refresh_from(&server, &next(&rotated), "2001:db8::1").await);
    for answer in [&tokens, &rotated] {
        assert!(!is_active(&server, &answer.member("access_token")).await);
    }
    // The valid token may come from anywhere: people travel.
    let tokens = redeem(&server, &code(&person, "ada").await).await;
    let moved = refresh_from(&server, &next(&tokens), "192.0.2.1").await;
    let moved = refresh_from(&server, &next(&moved), "203.0.113.9").await;
    assert_eq!(moved.status, 200, "{}", moved.body);
}

#[tokio::test]
async fn a_94_a_family_of_a_key_has_no_retired_token_to_present() {
    let server = TestServer::registered().await;
    let (owner, thief) = (Owner::new(), Owner::new());
    let path = "/default/token";
    let person = server.person();
    let scope = "openid offline_access";
    let code = person.authorize(&server, "cli", scope, "ada").await;
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "cli"),
        ("code", code.as_str()),
        ("redirect_uri", hallpass_testing::person::REDIRECT_URI),
        ("code_verifier", hallpass_testing::person::VERIFIER),
    ];
    let tokens = dpop::post(&server, path, &form, &[&owner.proof(&server, path)]).await;
    let token = next(&tokens);
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", "cli"),
        ("refresh_token", token.as_str()),
    ];
    let kept = dpop::post(&server, path, &form, &[&owner.proof(&server, path)]).await;
    assert_eq!(next(&kept), token, "it does not rotate");
    server.advance(10);
    let without = server.post(path, &form).await;
    assert_eq!(without.refusal(), (400, "invalid_dpop_proof".to_owned()));
    let by_thief = dpop::post(&server, path, &form, &[&thief.proof(&server, path)]).await;
    assert_invalid_grant(&by_thief);
    // The family is untouched.
    let kept = dpop::post(&server, path, &form, &[&owner.proof(&server, path)]).await;
    assert_eq!(next(&kept), token);
}

/// A server of production on this file, whose clock stands so many seconds after the start.
async fn on_file(folder: &std::path::Path, seconds: u64) -> TestServer {
    let database = format!("sqlite://{}", folder.join("x.db").display());
    let settings = Settings {
        consent: None,
        ..production_settings(CLIENTS, folder, &database)
    };
    let server = TestServer::start(settings).await;
    server.advance(seconds);
    server
}

#[tokio::test]
async fn a_96_a_restored_database_believes_the_newest_token_and_punishes_the_retired_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.db");
    let copy = folder.path().join("copy.db");
    let server = on_file(folder.path(), 0).await;
    let ada = server.person_with_account("ada", PASSWORD).await;
    let bob = server.person_with_account("bob", PASSWORD).await;
    let adas = next(&redeem(&server, &code(&ada, "ada").await).await);
    let bobs = next(&redeem(&server, &code(&bob, "bob").await).await);
    hallpass_store::backup(&file, &copy).unwrap();
    let mut generations = vec![adas];
    for _ in 0..3 {
        server.advance(60);
        let answer = refresh(&server, generations.last().unwrap()).await;
        generations.push(next(&answer));
    }
    let bobs_newest = next(&refresh(&server, &bobs).await);
    server.stop().await;
    for suffix in ["-wal", "-shm"] {
        let rest = folder.path().join(format!("x.db{suffix}"));
        assert!(!rest.exists() || std::fs::remove_file(rest).is_ok());
    }
    std::fs::rename(&copy, &file).unwrap();

    let server = on_file(folder.path(), 240).await;
    // The thief's token was retired after the copy was made, which knows nothing of that.
    let (retired, newest) = (&generations[1], &generations[3]);
    assert_eq!(next(&refresh(&server, retired).await), generations[2]);
    server.advance(60);
    let healed = refresh(&server, newest).await;
    let after = next(&healed);
    assert!(!generations.contains(&after));
    assert!(is_active(&server, &healed.member("access_token")).await);
    // Nobody else is signed out.
    assert_eq!(refresh(&server, &bobs_newest).await.status, 200);
    server.advance(60);
    assert_invalid_grant(&refresh(&server, retired).await);
    assert_invalid_grant(&refresh(&server, &after).await);
    assert!(!is_active(&server, &healed.member("access_token")).await);
}
