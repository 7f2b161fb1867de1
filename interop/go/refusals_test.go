package interop

import (
	"context"
	"crypto/rand"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// requireRefusal insists on the error type that golang.org/x/oauth2 documents.
func requireRefusal(t *testing.T, err error, status int, code string) {
	t.Helper()
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) {
		t.Fatalf("no RetrieveError: %v", err)
	}
	if refused.ErrorCode != code || refused.Response.StatusCode != status {
		t.Fatalf("%d %s instead of %d %s", refused.Response.StatusCode, refused.ErrorCode, status, code)
	}
	if refused.ErrorDescription == "" {
		t.Fatalf("%s says no reason", code)
	}
}

func startDevice(t *testing.T, client *oauth2.Config) *oauth2.DeviceAuthResponse {
	t.Helper()
	device, err := client.DeviceAuth(patience(t))
	if err != nil {
		t.Fatal(err)
	}
	return device
}

func TestRefusedWithAWrongSecret(t *testing.T) {
	t.Parallel()
	s := start(t, config)
	for id, style := range map[string]oauth2.AuthStyle{
		"robot-basic": oauth2.AuthStyleInHeader,
		"robot-post":  oauth2.AuthStyleInParams,
	} {
		_, err := s.robot(t, id, "wrong", style).Token(patience(t))
		requireRefusal(t, err, http.StatusUnauthorized, "invalid_client")
	}
}

func TestRefusedWhenThePersonDeniesTheDevice(t *testing.T) {
	t.Parallel()
	s := start(t, config)
	client := s.client(t, "public", oidc.ScopeOpenID)
	device := startDevice(t, client)
	decide(t, device.VerificationURIComplete, "ada", "deny")
	_, err := client.DeviceAccessToken(patience(t), device)
	requireRefusal(t, err, http.StatusBadRequest, "access_denied")
}

func TestRefusedWhenThePersonCancelsInTheBrowser(t *testing.T) {
	t.Parallel()
	s := start(t, config)
	client := s.client(t, "public", oidc.ScopeOpenID)
	verifier, state := oauth2.GenerateVerifier(), rand.Text()
	back := refuse(t, client.AuthCodeURL(state, oauth2.S256ChallengeOption(verifier)))
	// The library leaves the callback to its user: these are what RFC 6749 §4.1.2.1 promises.
	if back.Get("error") != "access_denied" || back.Get("state") != state || back.Has("code") {
		t.Fatalf("%v", back)
	}
}

func TestRefusedWhenTheDeviceCodeHasExpired(t *testing.T) {
	t.Parallel()
	s := start(t, "[ttl]\ndevice = \"2s\"\n[device]\ninterval = \"1s\"\n")
	client := s.client(t, "cli", oidc.ScopeOpenID)
	device := startDevice(t, client)
	// The library's own deadline comes first; only then is the code surely too old.
	_, err := client.DeviceAccessToken(patience(t), device)
	if !errors.Is(err, context.DeadlineExceeded) {
		requireRefusal(t, err, http.StatusBadRequest, "expired_token")
	}
	device.Expiry = time.Time{}
	_, err = client.DeviceAccessToken(patience(t), device)
	requireRefusal(t, err, http.StatusBadRequest, "expired_token")
	someone := newPerson(t)
	fields := map[string]string{"user_code": device.UserCode}
	entry := someone.submit(someone.open(device.VerificationURI), fields)
	if !strings.Contains(entry.body, "valid any more") {
		t.Fatalf("%d\n%s", entry.status, entry.body)
	}
}

func TestRefusedWhenTheCodeIsUsedTwiceOrTheVerifierIsAnother(t *testing.T) {
	t.Parallel()
	s := start(t, config)
	client := s.client(t, "public", oidc.ScopeOpenID)
	verifier := oauth2.GenerateVerifier()
	address := client.AuthCodeURL("st-12345678", oauth2.S256ChallengeOption(verifier))
	code := authorize(t, address, "ada").Get("code")
	if _, err := client.Exchange(patience(t), code, oauth2.VerifierOption(verifier)); err != nil {
		t.Fatal(err)
	}
	_, err := client.Exchange(patience(t), code, oauth2.VerifierOption(verifier))
	requireRefusal(t, err, http.StatusBadRequest, "invalid_grant")

	code = authorize(t, address, "ada").Get("code")
	other := oauth2.VerifierOption(oauth2.GenerateVerifier())
	_, err = client.Exchange(patience(t), code, other)
	requireRefusal(t, err, http.StatusBadRequest, "invalid_grant")
}

func TestRefusedWhenTheAuthorizationCodeHasExpired(t *testing.T) {
	t.Parallel()
	s := start(t, config)
	client := s.client(t, "public", oidc.ScopeOpenID)
	verifier := oauth2.GenerateVerifier()
	address := client.AuthCodeURL("st-12345678", oauth2.S256ChallengeOption(verifier))
	code := authorize(t, address, "ada").Get("code")
	if !s.advanceClock(t, "1h") {
		t.Skip("this binary has no control API")
	}
	_, err := client.Exchange(patience(t), code, oauth2.VerifierOption(verifier))
	requireRefusal(t, err, http.StatusBadRequest, "invalid_grant")
}

func TestRefusedAsAnUnknownClientOfAStrictServer(t *testing.T) {
	t.Parallel()
	s := start(t, config, "--strict")
	client := s.client(t, "nobody", oidc.ScopeOpenID)
	_, err := client.DeviceAuth(patience(t))
	requireRefusal(t, err, http.StatusUnauthorized, "invalid_client")
	_, err = client.Exchange(patience(t), "code", oauth2.VerifierOption(oauth2.GenerateVerifier()))
	requireRefusal(t, err, http.StatusUnauthorized, "invalid_client")
	// RFC 6749 §4.1.2.1: the person is told, the browser is sent nowhere.
	shown := newPerson(t).open(client.AuthCodeURL("st-12345678"))
	if shown.status != http.StatusBadRequest || shown.location != nil {
		t.Fatalf("%d %v", shown.status, shown.location)
	}
}

// watched tells each answer of the token endpoint to a test.
type watched struct {
	told func(*http.Response)
}

func (w watched) RoundTrip(request *http.Request) (*http.Response, error) {
	answer, err := http.DefaultTransport.RoundTrip(request)
	if err == nil {
		w.told(answer)
	}
	return answer, err
}

func watch(t *testing.T, told func(*http.Response)) context.Context {
	t.Helper()
	return context.WithValue(patience(t), oauth2.HTTPClient, &http.Client{Transport: watched{told}})
}

// ask asks for the tokens of a device once, with the library's own request.
func ask(t *testing.T, client *oauth2.Config, device *oauth2.DeviceAuthResponse) error {
	t.Helper()
	_, err := client.Exchange(patience(t), "",
		oauth2.SetAuthURLParam("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
		oauth2.SetAuthURLParam("device_code", device.DeviceCode))
	return err
}

func TestSlowDownIsObeyedByTheLibrarysLoop(t *testing.T) {
	t.Parallel()
	s := start(t, strings.Replace(config, `interval = "1s"`, `interval = "5s"`, 1))
	client := s.client(t, "public", oidc.ScopeOpenID)
	// Without this the library asks twice for as long as it has no token: once for each style.
	client.Endpoint.AuthStyle = oauth2.AuthStyleInParams
	device := startDevice(t, client)
	requireRefusal(t, ask(t, client, device), http.StatusBadRequest, "authorization_pending")
	requireRefusal(t, ask(t, client, device), http.StatusBadRequest, "slow_down")
	// A program that overlooks the interval is told to slow down by five seconds.
	device.Interval = 1
	var polls []time.Time
	ctx := watch(t, func(answer *http.Response) {
		polls = append(polls, time.Now())
		if answer.StatusCode == http.StatusBadRequest && len(polls) == 1 {
			decide(t, device.VerificationURIComplete, "ada", "approve")
		}
	})
	if _, err := client.DeviceAccessToken(ctx, device); err != nil {
		t.Fatal(err)
	}
	if len(polls) != 2 || polls[1].Sub(polls[0]) < 5*time.Second {
		t.Fatalf("%v", polls)
	}
}

func TestTheServerIsKilledWhileADevicePolls(t *testing.T) {
	t.Parallel()
	s := start(t, config)
	client := s.client(t, "public", oidc.ScopeOpenID)
	device := startDevice(t, client)
	ctx := watch(t, func(*http.Response) { s.kill() })
	_, err := client.DeviceAccessToken(ctx, device)
	var failed *url.Error
	var network *net.OpError
	if !errors.As(err, &failed) || !errors.As(err, &network) || !errors.Is(err, syscall.ECONNREFUSED) {
		t.Fatalf("%v", err)
	}
}
