// Package interop runs golang.org/x/oauth2 and go-oidc against `hallpass serve --dev`.
package interop

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

var scopes = []string{oidc.ScopeOpenID, "profile", "email", oidc.ScopeOfflineAccess}

func (s *server) provider(t *testing.T) *oidc.Provider {
	t.Helper()
	provider, err := oidc.NewProvider(context.Background(), s.issuer)
	if err != nil {
		t.Fatal(err)
	}
	return provider
}

// codeFlow signs in by authorization code, PKCE and nonce.
func codeFlow(t *testing.T, client *oauth2.Config, nonce string) *oauth2.Token {
	t.Helper()
	verifier, state := oauth2.GenerateVerifier(), rand.Text()
	address := client.AuthCodeURL(state, oauth2.S256ChallengeOption(verifier), oidc.Nonce(nonce))
	back := authorize(t, address, "ada")
	if back.Get("state") != state {
		t.Fatalf("state %q came back as %q", state, back.Get("state"))
	}
	token, err := client.Exchange(patience(t), back.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func idToken(t *testing.T, token *oauth2.Token) string {
	t.Helper()
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		t.Fatal("no ID token")
	}
	return raw
}

func TestDiscoveryInsistsOnTheIssuer(t *testing.T) {
	t.Parallel()
	s := start(t, config)
	endpoint := s.provider(t).Endpoint()
	if endpoint.DeviceAuthURL == "" || endpoint.AuthURL == "" || endpoint.TokenURL == "" {
		t.Fatalf("%+v", endpoint)
	}
	_, err := oidc.NewProvider(context.Background(), s.issuer+"/")
	var mismatch *oidc.IssuerMismatchError
	if !errors.As(err, &mismatch) {
		t.Fatalf("%v", err)
	}
}

func TestCodeFlowWithPKCEAndNonce(t *testing.T) {
	t.Parallel()
	s := start(t, config)
	client := s.client(t, "public", scopes...)
	token := codeFlow(t, client, "n-1")
	verifier := s.provider(t).Verifier(&oidc.Config{ClientID: "public"})
	id, err := verifier.Verify(patience(t), idToken(t, token))
	if err != nil {
		t.Fatal(err)
	}
	if id.Subject != "ada" || id.Nonce != "n-1" || id.Issuer != s.issuer {
		t.Fatalf("%+v", id)
	}
	if err := id.VerifyAccessToken(token.AccessToken); err != nil {
		t.Fatalf("at_hash: %v", err)
	}
	if token.Type() != "Bearer" || token.RefreshToken == "" || !token.Valid() {
		t.Fatalf("%+v", token)
	}
}

func TestATamperedIDTokenOrAnotherAudienceIsRefused(t *testing.T) {
	t.Parallel()
	s := start(t, config)
	raw := idToken(t, codeFlow(t, s.client(t, "public", scopes...), "n-1"))
	provider := s.provider(t)
	verifier := provider.Verifier(&oidc.Config{ClientID: "public"})

	parts := strings.Split(raw, ".")
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		t.Fatal(err)
	}
	signature[10] ^= 1
	bad := strings.Join([]string{parts[0], parts[1], base64.RawURLEncoding.EncodeToString(signature)}, ".")
	if _, err := verifier.Verify(patience(t), bad); err == nil || !strings.Contains(err.Error(), "signature") {
		t.Fatalf("%v", err)
	}
	_, err = provider.Verifier(&oidc.Config{ClientID: "other"}).Verify(patience(t), raw)
	if err == nil || !strings.Contains(err.Error(), "audience") {
		t.Fatalf("%v", err)
	}
	late := func() time.Time { return time.Now().Add(24 * time.Hour) }
	_, err = provider.Verifier(&oidc.Config{ClientID: "public", Now: late}).Verify(patience(t), raw)
	var expired *oidc.TokenExpiredError
	if !errors.As(err, &expired) {
		t.Fatalf("%v", err)
	}
	if _, err := verifier.Verify(patience(t), raw); err != nil {
		t.Fatal(err)
	}
}

func TestDeviceFlow(t *testing.T) {
	t.Parallel()
	s := start(t, config)
	client := s.client(t, "public", scopes...)
	device, err := client.DeviceAuth(patience(t))
	if err != nil {
		t.Fatal(err)
	}
	if device.Interval != 1 || device.UserCode == "" || device.VerificationURI == "" {
		t.Fatalf("%+v", device)
	}
	decide(t, device.VerificationURIComplete, "linus", "approve")
	token, err := client.DeviceAccessToken(patience(t), device)
	if err != nil {
		t.Fatal(err)
	}
	verifier := s.provider(t).Verifier(&oidc.Config{ClientID: "public"})
	id, err := verifier.Verify(patience(t), idToken(t, token))
	if err != nil || id.Subject != "linus" {
		t.Fatalf("%+v %v", id, err)
	}
}

// Without a chosen AuthStyle the library tries a Basic header first and the body next, each time it
// polls. A public client is refused before its poll counts, so the second one is not too fast.
func TestDeviceFlowWhenTheLibraryGuessesHowToAuthenticate(t *testing.T) {
	t.Parallel()
	// At 3 s a second question at once is too fast.
	s := start(t, strings.Replace(config, `interval = "1s"`, `interval = "3s"`, 1))
	client := s.client(t, "public", scopes...)
	device := startDevice(t, client)
	var answers []int
	ctx := watch(t, func(answer *http.Response) {
		answers = append(answers, answer.StatusCode)
		if len(answers) == 2 {
			decide(t, device.VerificationURIComplete, "linus", "approve")
		}
	})
	began := time.Now()
	if _, err := client.DeviceAccessToken(ctx, device); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 8*time.Second {
		t.Fatalf("it was slowed down: %v, %v", took, answers)
	}
	if want := []int{401, 400, 401, 200}; !slices.Equal(answers, want) {
		t.Fatalf("%v instead of %v", answers, want)
	}
}

func TestTokenSourceRefreshesAndRotates(t *testing.T) {
	t.Parallel()
	s := start(t, config)
	client := s.client(t, "public", scopes...)
	first := codeFlow(t, client, "n-1")
	old := *first
	old.Expiry = time.Now().Add(-time.Minute)
	second, err := client.TokenSource(patience(t), &old).Token()
	if err != nil {
		t.Fatal(err)
	}
	if second.AccessToken == first.AccessToken || second.RefreshToken == first.RefreshToken {
		t.Fatal("nothing was renewed")
	}
	// RFC 9700 §4.14.2: who sends an old token again ends the family, the newest token included.
	for _, refresh := range []string{first.RefreshToken, second.RefreshToken} {
		source := client.TokenSource(patience(t), &oauth2.Token{RefreshToken: refresh})
		_, err := source.Token()
		requireRefusal(t, err, http.StatusBadRequest, "invalid_grant")
	}
}

func TestUserInfo(t *testing.T) {
	t.Parallel()
	s := start(t, config)
	client := s.client(t, "public", scopes...)
	token := codeFlow(t, client, "n-1")
	info, err := s.provider(t).UserInfo(patience(t), client.TokenSource(patience(t), token))
	if err != nil || info.Subject != "ada" {
		t.Fatalf("%+v %v", info, err)
	}
	broken := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: token.AccessToken + "x"})
	if _, err := s.provider(t).UserInfo(patience(t), broken); err == nil || !strings.Contains(err.Error(), "401") {
		t.Fatalf("%v", err)
	}
}

func TestClientCredentials(t *testing.T) {
	t.Parallel()
	s := start(t, config)
	for id, style := range map[string]oauth2.AuthStyle{
		"robot-basic": oauth2.AuthStyleInHeader,
		"robot-post":  oauth2.AuthStyleInParams,
	} {
		token, err := s.robot(t, id, secret, style).Token(patience(t))
		if err != nil {
			t.Fatalf("%s: %v", id, err)
		}
		if token.Extra("scope") != "api:read" || token.RefreshToken != "" {
			t.Fatalf("%s: %+v", id, token)
		}
	}
}

func (s *server) robot(t *testing.T, id, password string, style oauth2.AuthStyle) *clientcredentials.Config {
	t.Helper()
	return &clientcredentials.Config{
		ClientID:     id,
		ClientSecret: password,
		TokenURL:     s.provider(t).Endpoint().TokenURL,
		Scopes:       []string{"api:read"},
		AuthStyle:    style,
	}
}
