package enginetest_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"roster/infra/local/engine/enginetest"
)

func TestEndpointIsSharedAndAnswers(t *testing.T) {
	t.Parallel()
	endpoint := enginetest.Endpoint(t)
	if again := enginetest.Endpoint(t); again != endpoint {
		t.Errorf("a second call started another engine: %s, %s", endpoint, again)
	}
	answer, err := http.Get(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(body), "healthy: dynamodb") {
		t.Errorf("GET / answers %q", body)
	}
}
