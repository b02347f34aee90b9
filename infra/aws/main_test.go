package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/jsii-runtime-go"

	"roster/internal/function"
)

// The two deployments of the tests: one as a fresh clone gives it, and one with
// everything set that can be.
var plain, custom deployment

var customContext = map[string]any{
	"name": "Acme", "publicUrl": "https://roster.acme.example/", "signup": "open",
	"domainName": "api.acme.example", "certificateArn": "arn:aws:acm:eu-central-1:123456789012:certificate/0a1b-2c3d",
	"mailDomain": "mail.acme.example", "mailFrom": "Acmé Models <models@mail.acme.example>",
	"alarmEmail": "ops@acme.example",
}

// deployment is the CloudFormation templates of the three stacks.
type deployment struct {
	data, api, async template
	// terminationProtection has the names of the protected stacks.
	terminationProtection []string
}

type template struct {
	bytes      int
	Resources  map[string]resource       `json:"Resources"`
	Parameters map[string]map[string]any `json:"Parameters"`
	Outputs    map[string]struct{ Value any }
}

type resource struct {
	Type                string
	Properties          map[string]any
	DeletionPolicy      string
	UpdateReplacePolicy string
}

// appDist, where set in the environment, makes the test binary act as the app,
// with the functions in that folder.
const appDist = "ROSTER_TEST_DIST"

func TestMain(m *testing.M) {
	if dist := os.Getenv(appDist); dist != "" {
		if err := synthesize("../../cdk.json", dist); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	jsii.Close() // removes the files that the import of the CDK has made
	dir, err := os.MkdirTemp("", "roster-infra-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	for _, f := range function.All {
		if err := writeFile(filepath.Join(dir, "dist", f.Name, "bootstrap"), f.Name); err != nil {
			panic(err)
		}
	}
	plain = deploymentOf(dir, "Roster", nil)
	custom = deploymentOf(dir, "Acme", customContext)
	return m.Run()
}

func writeFile(name, content string) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, []byte(content), 0o644)
}

// deploymentOf runs the app in a process of its own, as the CDK command line
// does: an environment of its own, and no thread of the CDK's runtime beside the
// tests.
func deploymentOf(dir, name string, context map[string]any) deployment {
	out := filepath.Join(dir, name)
	app := exec.Command(os.Args[0])
	app.Env = append(os.Environ(),
		appDist+"="+filepath.Join(dir, "dist"),
		"CDK_OUTDIR="+out, "CDK_CONTEXT_JSON="+text(context), "CDK_VALIDATION=false",
		"JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=20", "TMPDIR="+dir)
	if output, err := app.CombinedOutput(); err != nil {
		panic(fmt.Sprintf("%v\n%s", err, output))
	}
	d := deployment{}
	for stack, t := range map[string]*template{"Data": &d.data, "Api": &d.api, "Async": &d.async} {
		t.bytes = readJSON(filepath.Join(out, name+"-"+stack+".template.json"), t)
	}
	var manifest struct {
		Artifacts map[string]struct {
			Properties struct {
				TerminationProtection bool
			}
		}
	}
	readJSON(filepath.Join(out, "manifest.json"), &manifest)
	for id, artifact := range manifest.Artifacts {
		if artifact.Properties.TerminationProtection {
			d.terminationProtection = append(d.terminationProtection, id)
		}
	}
	return d
}

func readJSON(name string, into any) (size int) {
	b, err := os.ReadFile(name)
	if err != nil {
		panic(err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		panic(err)
	}
	return len(b)
}

func (d deployment) stacks() map[string]template {
	return map[string]template{"Data": d.data, "Api": d.api, "Async": d.async}
}

// of returns the resources of a type, by logical id.
func (t template) of(kind string) map[string]resource {
	found := map[string]resource{}
	for id, r := range t.Resources {
		if r.Type == kind {
			found[id] = r
		}
	}
	return found
}

// only returns the one resource of a type.
func (t template) only(tb testing.TB, kind string) resource {
	tb.Helper()
	found := t.of(kind)
	if len(found) != 1 {
		tb.Fatalf("%d resources of type %s, want one", len(found), kind)
	}
	for _, r := range found {
		return r
	}
	panic("unreachable")
}

// lambda returns a function of the deployment with its logical id and stack.
func (d deployment) lambda(tb testing.TB, name string) (string, resource, template) {
	tb.Helper()
	for _, t := range d.stacks() {
		for id, r := range t.of("AWS::Lambda::Function") {
			if r.Properties["Description"] == "Roster: "+name {
				return id, r, t
			}
		}
	}
	tb.Fatalf("no Lambda function %s", name)
	panic("unreachable")
}

// at follows keys and indexes into a JSON value; it is nil where the path ends early.
func at(v any, path ...any) any {
	for _, step := range path {
		switch key := step.(type) {
		case string:
			object, _ := v.(map[string]any)
			v = object[key]
		case int:
			list, _ := v.([]any)
			if key >= len(list) {
				return nil
			}
			v = list[key]
		}
	}
	return v
}

// text is a value as compact JSON, in which references can be searched.
func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// list returns a policy's "one or many" as strings.
func list(v any) []string {
	if many, ok := v.([]any); ok {
		var all []string
		for _, one := range many {
			all = append(all, asText(one))
		}
		return all
	}
	return []string{asText(v)}
}

func asText(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return text(v)
}

func TestStacksFitIntoCloudFormation(t *testing.T) {
	t.Parallel()
	for name, stack := range custom.stacks() {
		if n := len(stack.Resources); n >= 500 {
			t.Errorf("%s has %d resources; CloudFormation takes 500", name, n)
		}
		if stack.bytes >= 1<<20 {
			t.Errorf("%s has %d bytes; CloudFormation takes 1 MiB", name, stack.bytes)
		}
	}
}

func TestOnlyDataIsProtectedFromTermination(t *testing.T) {
	t.Parallel()
	if !slices.Equal(plain.terminationProtection, []string{"Roster-Data"}) {
		t.Errorf("protected from termination: %v, want Roster-Data", plain.terminationProtection)
	}
}

func TestNameBeginsStackNames(t *testing.T) {
	t.Parallel()
	if !slices.Equal(custom.terminationProtection, []string{"Acme-Data"}) {
		t.Errorf("protected from termination: %v, want Acme-Data", custom.terminationProtection)
	}
	references := text(custom.async.Resources)
	if strings.Contains(references, "Roster-Data") || !strings.Contains(references, "Acme-Data") {
		t.Error("stack Acme-Async does not refer to Acme-Data alone")
	}
}

func TestUnbuiltFunctionsAreReported(t *testing.T) {
	t.Parallel()
	err := addStacks(nil, settings{}, t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "make build") {
		t.Errorf("error %v, want one that names make build", err)
	}
}

// Every secret is generated by Secrets Manager; nothing in a template looks like one.
func TestNoSecretInTemplates(t *testing.T) {
	t.Parallel()
	for name, stack := range custom.stacks() {
		for id, r := range stack.of("AWS::SecretsManager::Secret") {
			if r.Properties["SecretString"] != nil {
				t.Errorf("%s: %s has its value in the template", name, id)
			}
		}
		for id, r := range stack.of("AWS::Lambda::Function") {
			environment, _ := at(r.Properties, "Environment", "Variables").(map[string]any)
			for variable, value := range environment {
				literal, isLiteral := value.(string)
				public := variable == "ROSTER_SIGNUP" || variable == "ROSTER_PUBLIC_URL" || variable == "ROSTER_MAIL_FROM"
				if isLiteral && !public {
					t.Errorf("%s: %s has %s=%s, want a reference", name, id, variable, literal)
				}
			}
		}
		for _, reference := range []string{"{{resolve:secretsmanager", "{{resolve:ssm-secure"} {
			if strings.Contains(fmt.Sprint(stack.Resources), reference) {
				t.Errorf("%s resolves a secret into the template: %s", name, reference)
			}
		}
	}
}
