// Package runtimeapi runs a Lambda function's real binary on this machine. It
// stands in for the Lambda Runtime API, version 2018-06-01
// (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html): the binary
// is a child process that asks it for events and posts its answers to it.
package runtimeapi
