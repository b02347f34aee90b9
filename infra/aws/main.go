// Command aws is the CDK app: it makes the CloudFormation templates of a
// deployment from the lists of routes, functions and indexes. Run by the CDK
// command line (cdk.json), or with CDK_OUTDIR set to write them into a folder.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"roster/internal/function"
)

func main() {
	err := synthesize("cdk.json", "dist")
	if err != nil {
		fmt.Fprintln(os.Stderr, "infra/aws:", err)
	}
	jsii.Close()
	if err != nil {
		os.Exit(1)
	}
}

// synthesize writes the cloud assembly to where the CDK command line, or else
// CDK_OUTDIR, says.
func synthesize(contextFile, dist string) error {
	context, err := readContext(contextFile)
	if err != nil {
		return err
	}
	app := awscdk.NewApp(&awscdk.AppProps{Context: &context, AnalyticsReporting: new(false)})
	settings, err := newSettings(func(key string) any { return app.Node().TryGetContext(&key) })
	if err != nil {
		return err
	}
	if err := addStacks(app, settings, dist); err != nil {
		return err
	}
	app.Synth(nil)
	return nil
}

// addStacks adds the three stacks, those that live longest first. dist holds a
// folder with a bootstrap for every function.
func addStacks(app awscdk.App, s settings, dist string) error {
	for _, f := range function.All {
		if _, err := os.Stat(filepath.Join(dist, f.Name, "bootstrap")); err != nil {
			return fmt.Errorf("%w: build the functions first (make build)", err)
		}
	}
	data := newData(app, s)
	api := newAPI(app, s, data, dist)
	newAsync(app, s, data, api.publicURL, dist)
	return nil
}
