package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"roster/internal/function"
	"roster/internal/route"
)

func TestEveryRouteReachesItsFunction(t *testing.T) {
	t.Parallel()
	want := map[string]string{route.Default: "console"}
	for _, r := range route.All {
		want[r.Key] = r.Function
	}
	got := map[string]string{}
	for id, r := range plain.api.of("AWS::ApiGatewayV2::Route") {
		key := r.Properties["RouteKey"].(string)
		if got[key] != "" {
			t.Errorf("%s: a second route %s", id, key)
		}
		got[key] = functionOf(plain.api, r)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("routes and functions (-want +got):\n%s", diff)
	}
}

// functionOf follows a route's target to the function's name.
func functionOf(api template, route resource) string {
	integration, _ := at(route.Properties, "Target", "Fn::Join", 1, 1, "Ref").(string)
	lambda, _ := at(api.Resources[integration].Properties, "IntegrationUri", "Fn::GetAtt", 0).(string)
	description, _ := api.Resources[lambda].Properties["Description"].(string)
	return strings.TrimPrefix(description, "Roster: ")
}

func TestFunctionsGetEventsOfVersion2(t *testing.T) {
	t.Parallel()
	for id, r := range plain.api.of("AWS::ApiGatewayV2::Integration") {
		if r.Properties["PayloadFormatVersion"] != "2.0" || r.Properties["IntegrationType"] != "AWS_PROXY" {
			t.Errorf("%s: %v", id, r.Properties)
		}
	}
}

// One permission per route would outgrow the 20 KB of a function's policy.
func TestGatewayHasOnePermissionPerFunction(t *testing.T) {
	t.Parallel()
	permissions := map[string]int{}
	for id, r := range plain.api.of("AWS::Lambda::Permission") {
		permissions[text(r.Properties["FunctionName"])]++
		if r.Properties["Principal"] != "apigateway.amazonaws.com" || !strings.Contains(text(r.Properties["SourceArn"]), "Api") {
			t.Errorf("%s lets %v invoke, for %v; want this API alone", id, r.Properties["Principal"], r.Properties["SourceArn"])
		}
	}
	for lambda, n := range permissions {
		if n != 1 {
			t.Errorf("%s: %d permissions, want one", lambda, n)
		}
	}
	served := 0
	for _, f := range function.All {
		if f.Trigger == function.HTTP {
			served++
		}
	}
	if len(permissions) != served {
		t.Errorf("%d functions may be invoked by the gateway, want %d", len(permissions), served)
	}
}

func TestOtherOriginsMayNotCall(t *testing.T) {
	t.Parallel()
	if cors := plain.api.only(t, "AWS::ApiGatewayV2::Api").Properties["CorsConfiguration"]; cors != nil {
		t.Errorf("CORS is open: %v", cors)
	}
}

func TestAccessLogNamesRoutesNotPaths(t *testing.T) {
	t.Parallel()
	stage := plain.api.only(t, "AWS::ApiGatewayV2::Stage")
	format, _ := at(stage.Properties, "AccessLogSettings", "Format").(string)
	if !strings.Contains(format, "$context.routeKey") {
		t.Errorf("the access log does not name the route: %s", format)
	}
	for _, secret := range []string{"$context.path", "rawPath", "rawQuery", "$context.http", "authorizer", "requestOverride"} {
		if strings.Contains(format, secret) {
			t.Errorf("the access log has %s: %s", secret, format)
		}
	}
	if at(stage.Properties, "DefaultRouteSettings", "ThrottlingRateLimit") == nil {
		t.Error("the stage does not throttle")
	}
}

func TestEveryLogGroupForgets(t *testing.T) {
	t.Parallel()
	for name, stack := range plain.stacks() {
		for id, r := range stack.of("AWS::Logs::LogGroup") {
			if r.Properties["RetentionInDays"] == nil {
				t.Errorf("%s: %s keeps logs for ever", name, id)
			}
		}
	}
}

func TestCustomDomainIsTheOnlyWayIn(t *testing.T) {
	t.Parallel()
	if custom.api.only(t, "AWS::ApiGatewayV2::Api").Properties["DisableExecuteApiEndpoint"] != true {
		t.Error("API Gateway's own address answers besides the custom domain")
	}
	domain := custom.api.only(t, "AWS::ApiGatewayV2::DomainName").Properties
	if domain["DomainName"] != customContext["domainName"] ||
		at(domain, "DomainNameConfigurations", 0, "CertificateArn") != customContext["certificateArn"] ||
		at(domain, "DomainNameConfigurations", 0, "SecurityPolicy") != "TLS_1_2" {
		t.Errorf("custom domain: %v", domain)
	}
	custom.api.only(t, "AWS::ApiGatewayV2::ApiMapping")
	if n := len(plain.api.of("AWS::ApiGatewayV2::DomainName")); n != 0 {
		t.Errorf("%d domains without one in the settings", n)
	}
}
