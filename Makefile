# Roster. `make help` lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help

GO        ?= go
ENGINE    := infra/node_modules/.package-lock.json

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

$(ENGINE): infra/package.json infra/package-lock.json
	@command -v npm >/dev/null || { echo "make: npm is missing; install Node.js, or set DYNAMODB_ENDPOINT to a DynamoDB engine of your own" >&2; exit 1; }
	npm ci --prefix infra --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: setup
setup: $(if $(DYNAMODB_ENDPOINT),,$(ENGINE)) ## Install what runs beside Roster on one machine
	@$(GO) mod download

.PHONY: run
run: setup ## Run Roster at http://localhost:8080
	@$(GO) build -o .local/bin/roster ./infra/local
	@exec .local/bin/roster

.PHONY: programs
programs: # What the tests run besides: headless Chromium, nginx and Caddy. None is left running
	@missing=; \
	command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || missing="chromium"; \
	command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] || missing="$$missing nginx-light"; \
	command -v caddy >/dev/null || missing="$$missing caddy"; \
	[ -z "$$missing" ] || { \
	  command -v apt-get >/dev/null || { echo "make: the tests need these programs; please install them: $$missing" >&2; exit 1; }; \
	  sudo=$$([ "$$(id -u)" = 0 ] || echo sudo); \
	  $$sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -qq --no-install-recommends $$missing && \
	  for service in nginx caddy; do case "$$missing" in *$$service*) $$sudo systemctl disable --now $$service >/dev/null 2>&1 || true;; esac; done; }

.PHONY: test
test: setup programs ## Run every test
	$(GO) vet ./...
	$(GO) test -race -parallel 6 -timeout 30m $$($(GO) list ./... | grep -v /infra/aws)
	$(GO) test ./infra/aws # one goroutine, over the CDK's large library

.PHONY: test-race
test-race: setup ## Run the tests of races and repeats again, many times
	$(GO) test -race -count 5 -run 'Race|Once|AtOnce|Concurrent' ./internal/...

.PHONY: fuzz
fuzz: setup ## Fuzz every parser for FUZZTIME each
	@$(GO) list -f '{{.ImportPath}} {{.Dir}}' ./... | while read -r package dir; do \
	  for target in $$(grep -hoE '^func Fuzz[A-Za-z0-9_]+' $$dir/*_test.go 2>/dev/null | cut -c6-); do \
	    echo "$$package $$target"; $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$package || exit 1; \
	  done; \
	done
FUZZTIME ?= 20s

.PHONY: bench
bench: setup ## Measure: operations, their CPU and capacity units, and start-up
	$(GO) test -run '^$$' -bench . -benchtime $(BENCHTIME) ./internal/acceptance ./internal/billing
	$(GO) run ./infra/local/startup
BENCHTIME ?= 2s

.PHONY: invoke
invoke: setup ## Run a function's binary on a sample event: make invoke FN=accounts CASE=register
	@$(GO) run ./infra/local/invoke -fn "$(FN)" -case "$(CASE)"

.PHONY: lint
lint: ## Check form: gofmt and go vet
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); [ -z "$$unformatted" ] || { echo "not formatted: $$unformatted" >&2; exit 1; }
	$(GO) vet ./...

.PHONY: generate
generate: ## Make the generated files anew: the OpenAPI document, the README's routes
	$(GO) generate ./...
	$(GO) test ./internal/feature -run README -update

# Deployment. More arguments of the CDK: ARGS="-c mailDomain=example.com -c alarmEmail=ops@example.com".
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION = 20
ARGS ?=
CDK  := npx --prefix infra cdk

.PHONY: build
build: ## Compile every function for Lambda into dist/
	CGO_ENABLED=0 GOOS=linux GOARCH=arm64 $(GO) build -trimpath -buildvcs=false -tags lambda.norpc \
	  -ldflags "-s -w" -o dist/.bin/ ./functions/...
	@for binary in dist/.bin/*; do \
	  out=dist/$${binary##*/}; mkdir -p $$out; \
	  cmp -s $$binary $$out/bootstrap || cp $$binary $$out/bootstrap; \
	done

.PHONY: synth
synth: build ## Write the CloudFormation templates into cdk.out/, without network, npm or account
	@rm -rf cdk.out
	CDK_VALIDATION=false CDK_OUTDIR=cdk.out $(GO) run ./infra/aws

.PHONY: validate
validate: build $(ENGINE) ## Synthesize with the CDK's own checks of the templates
	$(CDK) synth --quiet $(ARGS)

.PHONY: diff
diff: build $(ENGINE) ## Show what a deployment would change
	$(CDK) diff --all $(ARGS)

.PHONY: deploy
deploy: build $(ENGINE) ## Deploy into the AWS account of the environment
	$(CDK) deploy --all $(ARGS)
