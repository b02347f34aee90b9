package sample_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"roster/infra/local/runtimeapi"
	"roster/infra/local/sample"
	"roster/internal/function"
)

var update = flag.Bool("update", false, "write the golden answers")

const root = "../../.."

// TestSampleEvents sends every event of events/ to the binary of its function, as
// Lambda runs it, and compares the answers.
func TestSampleEvents(t *testing.T) {
	t.Parallel()
	bin := t.TempDir()
	if err := runtimeapi.Build(t.Context(), root, bin, "./functions/..."); err != nil {
		t.Fatal(err)
	}
	d, err := sample.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, f := range function.All { // in this order: each acts on what those before left
		process, err := runtimeapi.Start(t.Context(), runtimeapi.Config{
			Binary: filepath.Join(bin, f.Name), Name: f.Name, Env: d.Env(), Stderr: logOf{t},
		})
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
			continue
		}
		samples := cases(t, f.Name)
		if len(samples) == 0 {
			t.Errorf("function %s has no sample event", f.Name)
		}
		for _, file := range samples {
			check(t, d, process, file)
		}
		if err := process.Close(); err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
}

func cases(t *testing.T, function string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "events", function, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []string
	for _, file := range files {
		if !strings.HasSuffix(file, ".golden.json") {
			cases = append(cases, file)
		}
	}
	return cases
}

func check(t *testing.T, d *sample.Deployment, process *runtimeapi.Function, file string) {
	t.Helper()
	event, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	event, err = d.Fill(event)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	answer, err := process.Invoke(t.Context(), event)
	if err != nil {
		t.Errorf("%s: %v", file, err)
		return
	}
	got := d.Settle(readable(t, answer))
	golden := strings.TrimSuffix(file, ".json") + ".golden.json"
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(golden)
	if errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("%s lacks its golden answer: go test ./infra/local/sample -update", file)
	}
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s:\n%s", file, diff)
	}
}

// readable indents an answer, with the body of an HTTP response as the JSON it is.
func readable(t *testing.T, answer []byte) []byte {
	t.Helper()
	var v any
	if err := json.Unmarshal(answer, &v); err != nil {
		t.Fatal(err)
	}
	if response, ok := v.(map[string]any); ok {
		if body, ok := response["body"].(string); ok && body != "" {
			var opened any
			if json.Unmarshal([]byte(body), &opened) == nil {
				response["body"] = opened
			}
		}
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// logOf shows what a function logs with the test.
type logOf struct{ t *testing.T }

func (l logOf) Write(b []byte) (int, error) {
	l.t.Log(strings.TrimSpace(string(b)))
	return len(b), nil
}
