package api_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"roster/internal/api"
)

func TestAnAgentIsCutBetweenCharacters(t *testing.T) {
	t.Parallel()
	r := api.Request{Event: new(events.APIGatewayV2HTTPRequest)}
	r.Event.RequestContext.HTTP.UserAgent = "x" + strings.Repeat("ü", 300)
	if got := r.Client().Agent; got != "x"+strings.Repeat("ü", 99) {
		t.Errorf("agent %q", got)
	}
}
