package totp_test

import (
	"net/url"
	"testing"
	"time"

	"pgregory.net/rapid"

	"roster/internal/totp"
)

// The vectors of RFC 6238, appendix B, for SHA-1: of eight digits, the last six.
func TestCodesAreThoseOfTheRFC(t *testing.T) {
	t.Parallel()
	secret := totp.Secret("12345678901234567890")
	for at, want := range map[int64]string{
		59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130",
	} {
		if got := secret.Code(totp.StepAt(time.Unix(at, 0))); got != want {
			t.Errorf("at %d: %s, want %s", at, got, want)
		}
	}
}

func TestACodeIsValidForOneStepAroundItsOwn(t *testing.T) {
	t.Parallel()
	secret := totp.NewSecret()
	shown := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	code := secret.Code(totp.StepAt(shown))
	for _, tt := range []struct {
		after time.Duration
		want  bool
	}{
		{-31 * time.Second, false}, {-30 * time.Second, true}, {0, true}, {29 * time.Second, true},
		{59 * time.Second, true}, {60 * time.Second, false}, {time.Hour, false},
	} {
		if _, ok := secret.Match(code, shown.Add(tt.after), 0); ok != tt.want {
			t.Errorf("%s after its step began: %t", tt.after, ok)
		}
	}
	for _, junk := range []string{"", "0", code + "0", code[:5], "abcdef"} {
		if _, ok := secret.Match(junk, shown, 0); ok {
			t.Errorf("%q is valid", junk)
		}
	}
}

// Whatever is presented when, no step counts twice, nor one before it.
func TestStepsOnlyGoUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		secret := totp.Secret(rapid.SliceOfN(rapid.Byte(), 20, 20).Draw(t, "secret"))
		now, last := int64(1_800_000_000), int64(0)
		for range rapid.IntRange(1, 20).Draw(t, "attempts") {
			now += rapid.Int64Range(0, 90).Draw(t, "seconds")
			at := time.Unix(now, 0)
			code := secret.Code(totp.StepAt(at) + rapid.Int64Range(-2, 2).Draw(t, "off"))
			step, ok := secret.Match(code, at, last)
			if ok && step <= last {
				t.Fatalf("step %d after %d", step, last)
			}
			if ok {
				last = step
			}
		}
	})
}

func TestTheURLIsWhatAppsRead(t *testing.T) {
	t.Parallel()
	secret := totp.Secret("12345678901234567890")
	u, err := url.Parse(secret.URL("Roster", "ada+2@example.com"))
	if err != nil {
		t.Fatal(err)
	}
	if u.Scheme != "otpauth" || u.Host != "totp" || u.Path != "/Roster:ada+2@example.com" ||
		u.Query().Get("secret") != "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" || u.Query().Get("issuer") != "Roster" {
		t.Errorf("%s", u)
	}
	if a, b := totp.NewSecret().String(), totp.NewSecret().String(); a == b || len(a) != 32 {
		t.Errorf("secrets %s and %s", a, b)
	}
}
