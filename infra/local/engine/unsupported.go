//go:build !unix

package engine

import (
	"context"
	"errors"
	"os"
	"os/exec"
)

var errUnsupported = errors.New("engine: the DynamoDB engine runs on Unix only: set DYNAMODB_ENDPOINT to another DynamoDB-compatible engine")

func lockFolder(context.Context, string) (*os.File, error) { return nil, errUnsupported }

func startTied(*exec.Cmd) (release func(), err error) { return nil, errUnsupported }
