//! Microsoft Entra, against a double.

use hallpass_client::{ErrorKind, Provider, SecurityViolation};
use hallpass_testing::provider::{Double, Microsoft, Turn};

use crate::person::Person;
use crate::providers::{at, by_browser, by_device, client, shown};

async fn microsoft() -> Double<Microsoft> {
    Double::start(Microsoft::new).await
}

#[tokio::test]
async fn q_11_the_tenant_is_the_same_at_every_call() {
    let double = microsoft().await;
    for (name, tenant) in [
        ("microsoft", "common"),
        ("microsoft:organizations", "organizations"),
        ("microsoft:contoso.example", "contoso.example"),
        (
            &format!("microsoft:{}", Microsoft::TENANT),
            Microsoft::TENANT,
        ),
    ] {
        let person = Person::without_browser();
        let provider = Provider::parse(name).unwrap().at(&double.base);
        let (session, _) = by_device(at(provider, Microsoft::CLIENT, &person)).await;
        assert_eq!(
            session.unwrap().account().name.as_deref(),
            Some("ada@contoso.example")
        );
        for call in ["devicecode", "token"] {
            let path = format!("/{tenant}/oauth2/v2.0/{call}");
            assert!(!double.seen(&path).is_empty(), "{path}");
        }
        let (code, _, complete) = shown(&person);
        assert_eq!((code.as_str(), complete), ("FJC3PMGBW", None));
    }
}

#[tokio::test]
async fn q_12_its_own_codes_end_the_polls() {
    let double = microsoft().await;
    for (turn, exit) in [(Turn::Denied, 3), (Turn::Unknown, 1), (Turn::Expired, 6)] {
        double.provider().device.will([Turn::Pending, turn]);
        let (done, seconds) = by_device(client("microsoft", Microsoft::CLIENT, &double)).await;
        assert_eq!(
            (done.unwrap_err().exit_code(), seconds),
            (exit, 10),
            "{turn:?}"
        );
    }
}

#[tokio::test]
async fn q_13_numbers_for_support_are_shown() {
    let double = microsoft().await;
    let builder = client("microsoft", Microsoft::CLIENT, &double);
    let client = builder
        .timer(crate::fake::TestTimer::default())
        .build()
        .unwrap();
    let session = client
        .sign_in(hallpass_client::SignIn::device())
        .await
        .unwrap();
    drop(session);
    double.provider().forbids_device = true;
    let (done, _) = by_device(crate::providers::client(
        "microsoft",
        Microsoft::CLIENT,
        &double,
    ))
    .await;
    let error = done.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Denied);
    let said = error
        .oauth()
        .and_then(|said| said.description.clone())
        .unwrap_or_default();
    assert!(
        said.contains("AADSTS530036") && said.contains("Trace ID"),
        "{error}: {said}"
    );
}

#[tokio::test]
async fn q_14_the_issuer_of_all_tenants_is_a_template_that_the_token_fills() {
    let double = microsoft().await;
    let (session, _) = by_device(client("microsoft", Microsoft::CLIENT, &double)).await;
    let claims = session.unwrap().claims().cloned().unwrap();
    assert_eq!(
        claims.iss,
        format!("{}/{}/v2.0", double.base, Microsoft::TENANT)
    );
    let is_refused = |done: Result<hallpass_client::Session, hallpass_client::Error>| {
        matches!(
            done.unwrap_err().kind(),
            ErrorKind::Security(SecurityViolation::IdToken(_))
        )
    };
    // Another host, the template itself, another tenant than `tid`.
    for other in [
        format!("https://evil.test/{}/v2.0", Microsoft::TENANT),
        format!("{}/{{tenantid}}/v2.0", double.base),
        format!("{}/{}/v2.0", double.base, Microsoft::CONSUMERS),
    ] {
        double.provider().other_issuer = Some(other);
        assert!(is_refused(
            by_device(client("microsoft", Microsoft::CLIENT, &double))
                .await
                .0
        ));
    }
}

#[tokio::test]
async fn q_14_only_the_tenants_that_are_named_get_in() {
    let double = microsoft().await;
    let tenants: [(&str, &[&str], &str, bool); 7] = [
        ("microsoft", &[], Microsoft::CONSUMERS, true),
        ("microsoft", &[Microsoft::TENANT], Microsoft::TENANT, true),
        (
            "microsoft",
            &[Microsoft::TENANT],
            Microsoft::CONSUMERS,
            false,
        ),
        ("microsoft:organizations", &[], Microsoft::CONSUMERS, false),
        ("microsoft:consumers", &[], Microsoft::CONSUMERS, true),
        ("microsoft:consumers", &[], Microsoft::TENANT, false),
        (
            "microsoft:contoso.example",
            &[],
            Microsoft::CONSUMERS,
            false,
        ),
    ];
    for (name, only, tenant, gets_in) in tenants {
        tenant.clone_into(&mut double.provider().tenant);
        let provider = Provider::parse(name)
            .unwrap()
            .at(&double.base)
            .only_tenants(only);
        let builder = at(provider, Microsoft::CLIENT, &Person::without_browser());
        let (done, _) = by_device(builder).await;
        assert_eq!(done.is_ok(), gets_in, "{name} {only:?} {tenant}");
        if let Err(error) = done {
            assert_eq!(error.exit_code(), 8, "{error}");
        }
    }
}

#[tokio::test]
async fn q_15_the_redirect_goes_to_localhost_and_comes_back_with_a_slash() {
    let double = microsoft().await;
    by_browser(client("microsoft", Microsoft::CLIENT, &double))
        .await
        .unwrap();
    let asked = &double.seen("/common/oauth2/v2.0/authorize")[0];
    let port = asked
        .field("redirect_uri")
        .strip_prefix("http://localhost:")
        .unwrap();
    assert!(port.parse::<u16>().is_ok(), "{port}");
    // A path of one's own is kept as it was registered, and refused where it was not.
    let how = hallpass_client::SignIn::browser()
        .callback_path("/other")
        .timeout(std::time::Duration::from_millis(300));
    let client = client("microsoft", Microsoft::CLIENT, &double)
        .build()
        .unwrap();
    assert_eq!(
        client.sign_in(how).await.unwrap_err().kind(),
        &ErrorKind::TimedOut
    );
    let asked = &double.seen("/common/oauth2/v2.0/authorize")[1];
    assert!(asked.field("redirect_uri").ends_with("/other"));
}

#[tokio::test]
async fn q_16_pkce_is_used_unannounced_and_a_resource_is_not_sent() {
    let double = microsoft().await;
    let builder =
        client("microsoft", Microsoft::CLIENT, &double).resource("https://graph.microsoft.com");
    let session = by_browser(builder).await.unwrap();
    assert!(session.has_refresh_token());
    let asked = &double.seen("/common/oauth2/v2.0/authorize")[0];
    assert_eq!(asked.field("code_challenge_method"), "S256");
    session.refresh().await.unwrap();
    let short = client("microsoft", Microsoft::CLIENT, &double).scopes(["openid", "User.Read"]);
    assert!(!by_device(short).await.0.unwrap().has_refresh_token());
    for call in ["authorize", "token", "devicecode"] {
        let seen = double.seen(&format!("/common/oauth2/v2.0/{call}"));
        assert!(
            !seen.is_empty() && seen.iter().all(|sent| !sent.form.has("resource")),
            "{call}"
        );
    }
}
