// Command local runs Roster on one machine.
//
//	ROSTER_ADDR        where it serves; 127.0.0.1:8080 by default
//	ROSTER_DATA        the folder that keeps everything; .local by default,
//	                   "memory" keeps nothing
//	ROSTER_DEMO        0 starts empty; otherwise a new folder gets a demonstration
//	ROSTER_SIGNUP      "closed" leaves the founding of organizations to platform administrators
//	ROSTER_PUBLIC_URL  where people reach it, if not at ROSTER_ADDR
//	DYNAMODB_ENDPOINT  another DynamoDB engine than the one that comes with it
package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"

	"roster/infra/local/stack"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "roster:", err)
		os.Exit(1)
	}
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	addr := cmp.Or(os.Getenv("ROSTER_ADDR"), "127.0.0.1:8080")
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("cannot serve at %s: %w (set ROSTER_ADDR to another address)", addr, err)
	}
	data := cmp.Or(os.Getenv("ROSTER_DATA"), ".local")
	if data == "memory" {
		data = ""
	}
	s, err := stack.Start(ctx, stack.Config{
		Listener:     listener,
		PublicURL:    cmp.Or(os.Getenv("ROSTER_PUBLIC_URL"), "http://"+publicHost(listener.Addr())),
		Data:         data,
		Engine:       os.Getenv("DYNAMODB_ENDPOINT"),
		ClosedSignUp: os.Getenv("ROSTER_SIGNUP") == "closed",
		Demo:         os.Getenv("ROSTER_DEMO") != "0",
		Log:          slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		return err
	}
	fmt.Println(s.Banner())
	select {
	case <-ctx.Done():
		fmt.Println("\nstopping")
	case err := <-s.Failed():
		fmt.Fprintln(os.Stderr, "roster:", err)
		defer os.Exit(1)
	}
	return s.Close()
}

// publicHost is how a browser on this machine names the address.
func publicHost(addr net.Addr) string {
	tcp := addr.(*net.TCPAddr)
	if tcp.IP.IsLoopback() || tcp.IP.IsUnspecified() {
		return fmt.Sprintf("localhost:%d", tcp.Port)
	}
	return tcp.String()
}
