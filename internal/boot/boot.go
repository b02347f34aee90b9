// Package boot starts a function: it reads the environment once, makes the
// clients, and hands the handler to Lambda. It knows no feature.
package boot

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"roster/internal/api"
	"roster/internal/env"
	"roster/internal/envelope"
	"roster/internal/function"
	"roster/internal/route"
	"roster/internal/secret"
	"roster/internal/table"
)

// Endpoints are the routes that a feature can serve.
type Endpoints func(*env.Env) []api.Endpoint

// HTTP serves the routes of one function in Lambda, from the features that it names.
func HTTP(name string, features ...Endpoints) {
	e := bare()
	if !function.Of(name).NoTable {
		e = Env()
	}
	lambda.Start(Handler(e, name, features...))
}

// Handler picks the endpoints of a function. It panics if a route of the
// function has none: the cold start fails, and so does every test.
func Handler(e *env.Env, name string, features ...Endpoints) api.Handler {
	byID := map[route.ID]api.Endpoint{}
	for _, endpoints := range features {
		for _, endpoint := range endpoints(e) {
			if endpoint.Route.Function == name {
				byID[endpoint.Route.ID] = endpoint
			}
		}
	}
	var all []api.Endpoint
	for _, r := range route.All {
		if r.Function != name {
			continue
		}
		endpoint, ok := byID[r.ID]
		if !ok {
			panic("boot: function " + name + " has no endpoint for " + string(r.ID))
		}
		all = append(all, endpoint)
	}
	return api.NewHandler(e, all)
}

// Env reads the environment. What is required and missing ends the process with
// its name.
//
//	ROSTER_TABLE         name of the table
//	ROSTER_SECRET_ARN    secret from which the keys are derived (Secrets Manager), or
//	ROSTER_SECRET        its values themselves, separated by commas: current, previous;
//	                     it then encrypts credentials too (in AWS, package kmskey does)
//	ROSTER_SETUP_ARN     secret of the set-up token, or
//	ROSTER_SETUP_TOKEN   the token itself; without either there is none
//	ROSTER_PUBLIC_URL    where the deployment is reached
//	ROSTER_SIGNUP        "open" lets everyone create organizations
//	DYNAMODB_ENDPOINT    another endpoint than the region's
func Env() *env.Env {
	store := newSecrets()
	e := bare()
	e.Table = table.New(DynamoDB(), Required("ROSTER_TABLE"))
	e.SetupToken = setupToken(store)
	e.PublicURL = strings.TrimSuffix(Required("ROSTER_PUBLIC_URL"), "/")
	e.OpenSignUp = os.Getenv("ROSTER_SIGNUP") == "open"
	if arn := os.Getenv("ROSTER_SECRET_ARN"); arn != "" {
		e.Keys = store.keys(arn)
	} else {
		values := strings.Split(Required("ROSTER_SECRET"), ",")
		derive := sync.OnceValues(func() (*secret.Keys, error) { return secret.Derive(values...) })
		e.Keys = func(context.Context) (*secret.Keys, error) { return derive() }
		e.Sealer = envelope.New(envelope.Secret(e.Keys))
	}
	return e
}

// bare is the Env of functions that keep nothing.
func bare() *env.Env {
	return &env.Env{Now: func() time.Time { return time.Now().UTC() }, Sleep: env.Sleep, Log: slog.New(slog.NewJSONHandler(os.Stderr, nil))}
}

func setupToken(store *secrets) func(context.Context) (string, error) {
	arn := os.Getenv("ROSTER_SETUP_ARN")
	if arn == "" {
		token := os.Getenv("ROSTER_SETUP_TOKEN")
		return func(context.Context) (string, error) { return token, nil }
	}
	return func(ctx context.Context) (string, error) {
		values, err := store.values(ctx, arn)
		if err != nil {
			return "", err
		}
		return values[0], nil
	}
}

// Required returns a variable of the environment. Where it is not set, the
// process ends with its name.
func Required(name string) string {
	value := os.Getenv(name)
	if value == "" {
		slog.Error("boot: a required environment variable is not set", "name", name)
		os.Exit(2)
	}
	return value
}
