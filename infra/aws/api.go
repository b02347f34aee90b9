package main

import (
	"encoding/json"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscertificatemanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"

	"roster/internal/function"
	"roster/internal/route"
)

// fallback is the function that answers what no route matches.
const fallback = "console"

// throttle bounds all clients together, in requests per second; it is below the
// account's own limit of 10,000 per Region
// (https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html).
var throttle = &awsapigatewayv2.ThrottleSettings{RateLimit: new(5000.0), BurstLimit: new(2500.0)}

// api is the stack of what answers HTTP.
type api struct {
	publicURL *string
}

func newAPI(app awscdk.App, s settings, d data, dist string) api {
	stack := awscdk.NewStack(app, new(s.Name+"-Api"), &awscdk.StackProps{
		Description: new("Roster: HTTP API and its functions"),
	})
	gateway := awsapigatewayv2.NewHttpApi(stack, new("Api"), &awsapigatewayv2.HttpApiProps{
		ApiName:                   &s.Name,
		CreateDefaultStage:        new(false),
		DisableExecuteApiEndpoint: new(s.DomainName != ""),
	})
	newStage(stack, s, gateway)

	publicURL := &s.PublicURL
	if s.PublicURL == "" {
		publicURL = gateway.ApiEndpoint()
	}
	fs := functions{stack: stack, settings: s, data: d, publicURL: publicURL, dist: dist}
	targets := map[string]*string{}
	for _, f := range function.All {
		if f.Trigger == function.HTTP {
			targets[f.Name] = integrate(stack, gateway, f, fs.add(f))
		}
	}
	addRoute := func(id, key, function string) {
		awsapigatewayv2.NewCfnRoute(stack, &id, &awsapigatewayv2.CfnRouteProps{
			ApiId: gateway.ApiId(), RouteKey: &key, Target: targets[function],
		})
	}
	for _, r := range route.All {
		addRoute("Route-"+string(r.ID), r.Key, r.Function)
	}
	addRoute("Route-default", route.Default, fallback)

	d.alarms.onServerErrors(stack, gateway)
	output(stack, "PublicUrl", publicURL, "Where the deployment is reached")
	return api{publicURL: publicURL}
}

// integrate lets the gateway invoke a function, and returns the target of the
// function's routes. One permission serves all of them: one per route would
// outgrow the 20 KB of a function's policy.
func integrate(stack awscdk.Stack, gateway awsapigatewayv2.HttpApi, f function.Function, lambda awslambda.Function) *string {
	lambda.AddPermission(new("Gateway"), &awslambda.Permission{
		Principal: awsiam.NewServicePrincipal(new("apigateway.amazonaws.com"), nil),
		SourceArn: gateway.ArnForExecuteApi(new("*"), new("/*"), new("*")),
	})
	integration := awsapigatewayv2.NewCfnIntegration(stack, new(logicalID(f.Name)+"Integration"),
		&awsapigatewayv2.CfnIntegrationProps{
			ApiId: gateway.ApiId(), IntegrationType: new("AWS_PROXY"), IntegrationUri: lambda.FunctionArn(),
			PayloadFormatVersion: new("2.0"),
		})
	return new("integrations/" + *integration.Ref())
}

func newStage(stack awscdk.Stack, s settings, gateway awsapigatewayv2.HttpApi) {
	props := &awsapigatewayv2.HttpStageProps{
		HttpApi: gateway, StageName: new("$default"), AutoDeploy: new(true), Throttle: throttle,
	}
	if s.DomainName != "" {
		domain := awsapigatewayv2.NewDomainName(stack, new("Domain"), &awsapigatewayv2.DomainNameProps{
			DomainName:     &s.DomainName,
			Certificate:    awscertificatemanager.Certificate_FromCertificateArn(stack, new("Certificate"), &s.CertificateARN),
			SecurityPolicy: awsapigatewayv2.SecurityPolicy_TLS_1_2,
		})
		props.DomainMapping = &awsapigatewayv2.DomainMappingOptions{DomainName: domain}
		output(stack, "DomainTarget", domain.RegionalDomainName(), "What the custom domain's DNS record points to")
	}
	stage := awsapigatewayv2.NewHttpStage(stack, new("Stage"), props)
	logs := awslogs.NewLogGroup(stack, new("AccessLogs"), &awslogs.LogGroupProps{Retention: logRetention})
	stage.Node().DefaultChild().(awsapigatewayv2.CfnStage).SetAccessLogSettings(
		&awsapigatewayv2.CfnStage_AccessLogSettingsProperty{DestinationArn: logs.LogGroupArn(), Format: accessLog()})
}

// accessLog is one line of the access log. It names the route, never the path:
// paths and queries may hold tokens.
func accessLog() *string {
	line, err := json.Marshal(map[string]string{
		"time":        "$context.requestTime",
		"request_id":  "$context.requestId",
		"route":       "$context.routeKey",
		"status":      "$context.status",
		"ip":          "$context.identity.sourceIp",
		"bytes":       "$context.responseLength",
		"latency_ms":  "$context.responseLatency",
		"function_ms": "$context.integrationLatency",
		"error":       "$context.integrationErrorMessage",
	})
	if err != nil {
		panic(err) // strings always marshal
	}
	return new(string(line))
}
