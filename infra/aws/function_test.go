package main

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"roster/internal/envelope/kmskey"
	"roster/internal/file/s3file"
	"roster/internal/function"
)

func TestEveryFunctionIsDeployed(t *testing.T) {
	t.Parallel()
	for _, f := range function.All {
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			_, r, _ := plain.lambda(t, f.Name)
			want := map[string]any{
				"Runtime": "provided.al2023", "Handler": "bootstrap",
				"Architectures": []any{"arm64"}, "MemorySize": float64(f.Memory),
			}
			for property, value := range want {
				if diff := cmp.Diff(value, r.Properties[property]); diff != "" {
					t.Errorf("%s (-want +got):\n%s", property, diff)
				}
			}
			if at(r.Properties, "LoggingConfig", "LogGroup", "Ref") == nil {
				t.Error("it logs into no log group of the stack")
			}
		})
	}
	deployed := 0
	for _, stack := range plain.stacks() {
		deployed += len(stack.of("AWS::Lambda::Function"))
	}
	if deployed != len(function.All) {
		t.Errorf("%d functions are deployed, want %d", deployed, len(function.All))
	}
}

// API Gateway gives up after 30 seconds, and Lambda ends everything after 900.
func TestTimeouts(t *testing.T) {
	t.Parallel()
	for _, f := range function.All {
		_, r, _ := plain.lambda(t, f.Name)
		limit := 900.0
		if f.Trigger == function.HTTP {
			limit = 29
		}
		if got, _ := r.Properties["Timeout"].(float64); got <= 3 || got > limit {
			t.Errorf("%s: timeout %v s, want at most %v", f.Name, got, limit)
		}
	}
}

func TestEnvironment(t *testing.T) {
	t.Parallel()
	for _, f := range function.All {
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			want := []string{"ROSTER_PUBLIC_URL", "ROSTER_SECRET_ARN", "ROSTER_SIGNUP", "ROSTER_TABLE"}
			if f.SetsUp {
				want = append(want, "ROSTER_SETUP_ARN")
			}
			if f.SendsMail {
				want = append(want, "ROSTER_MAIL_CONFIGURATION_SET", "ROSTER_MAIL_FROM")
			}
			if f.Seals {
				want = append(want, kmskey.Variable)
			}
			if f.WritesFiles || f.ReadsFiles {
				want = append(want, s3file.Variable)
			}
			slices.Sort(want)
			env := environment(t, plain, f)
			if diff := cmp.Diff(want, slices.Sorted(maps.Keys(env))); diff != "" {
				t.Errorf("variables (-want +got):\n%s", diff)
			}
			for variable, target := range map[string]string{
				"ROSTER_TABLE": "RefTable", "ROSTER_SECRET_ARN": "RefSecret", "ROSTER_SETUP_ARN": "RefSetupToken",
				"ROSTER_PUBLIC_URL": "ApiEndpoint", kmskey.Variable: "GetAttCredentialsKey", "ROSTER_MAIL_CONFIGURATION_SET": "RefMail", s3file.Variable: "RefFiles",
			} {
				if value, set := env[variable]; set && !strings.Contains(text(value), target) {
					t.Errorf("%s is %v, want a reference to %s", variable, value, target)
				}
			}
		})
	}
}

func environment(t *testing.T, d deployment, f function.Function) map[string]any {
	t.Helper()
	_, r, _ := d.lambda(t, f.Name)
	env, _ := at(r.Properties, "Environment", "Variables").(map[string]any)
	return env
}

func TestSignUpIsClosedUnlessOpened(t *testing.T) {
	t.Parallel()
	for _, f := range function.All {
		if got := environment(t, plain, f)["ROSTER_SIGNUP"]; got != "closed" {
			t.Errorf("%s: sign-up is %v by default, want closed", f.Name, got)
		}
		if got := environment(t, custom, f)["ROSTER_SIGNUP"]; got != "open" {
			t.Errorf("%s: sign-up is %v with signup=open", f.Name, got)
		}
	}
}

func TestPublicURLOfTheSettingsReachesEveryFunction(t *testing.T) {
	t.Parallel()
	for _, f := range function.All {
		if got := environment(t, custom, f)["ROSTER_PUBLIC_URL"]; got != "https://roster.acme.example" {
			t.Errorf("%s: public URL %v", f.Name, got)
		}
	}
}

func TestSenderOfTheSettings(t *testing.T) {
	t.Parallel()
	for _, f := range function.All {
		if !f.SendsMail {
			continue
		}
		want := "=?utf-8?q?Acm=C3=A9_Models?= <models@mail.acme.example>"
		if got := environment(t, custom, f)["ROSTER_MAIL_FROM"]; got != want {
			t.Errorf("%s sends from %v, want %v", f.Name, got, want)
		}
		if got := text(environment(t, plain, f)["ROSTER_MAIL_FROM"]); !strings.Contains(got, "RefMailFrom") {
			t.Errorf("%s sends from %v, want the parameter MailFrom", f.Name, got)
		}
	}
	if parameter := plain.data.Parameters["MailFrom"]; parameter == nil || parameter["Default"] != nil {
		t.Errorf("parameter MailFrom is %v; want one without default, so that a deployment without sender is refused", parameter)
	}
	if parameter := custom.data.Parameters["MailFrom"]; parameter != nil {
		t.Errorf("the sender is set, and still asked for: %v", parameter)
	}
}
