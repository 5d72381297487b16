// Holder takes a lock or a place of a semaphore with Consul's Go client, and holds it until its
// standard input ends.
//
//	holder ADDRESS lock KEY
//	holder ADDRESS semaphore PREFIX LIMIT
//
// It prints "held", or "not held" after a second, then "released" or "lost".
package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/hashicorp/consul/api"
)

type holdable interface {
	take() (<-chan struct{}, error)
	give() error
}

type lock struct{ *api.Lock }

func (l lock) take() (<-chan struct{}, error) { return l.Lock.Lock(nil) }
func (l lock) give() error                    { return l.Unlock() }

type semaphore struct{ *api.Semaphore }

func (s semaphore) take() (<-chan struct{}, error) { return s.Acquire(nil) }
func (s semaphore) give() error                    { return s.Release() }

func made(client *api.Client, kind, key string) (holdable, error) {
	if kind == "lock" {
		l, err := client.LockOpts(&api.LockOptions{
			Key: key, Value: []byte("go"), LockTryOnce: true, LockWaitTime: time.Second,
		})
		return lock{l}, err
	}
	limit, err := strconv.Atoi(os.Args[4])
	if err != nil {
		return nil, err
	}
	s, err := client.SemaphoreOpts(&api.SemaphoreOptions{
		Prefix: key, Limit: limit, Value: []byte("go"),
		SemaphoreTryOnce: true, SemaphoreWaitTime: time.Second,
	})
	return semaphore{s}, err
}

func run() error {
	config := api.DefaultConfig()
	config.Address = os.Args[1]
	client, err := api.NewClient(config)
	if err != nil {
		return err
	}
	held, err := made(client, os.Args[2], os.Args[3])
	if err != nil {
		return err
	}
	lost, err := held.take()
	if err != nil {
		return err
	}
	if lost == nil {
		fmt.Println("not held")
		return nil
	}
	fmt.Println("held")
	ended := make(chan struct{})
	go func() {
		io.Copy(io.Discard, os.Stdin)
		close(ended)
	}()
	select {
	case <-lost:
		fmt.Println("lost")
	case <-ended:
		if err := held.give(); err != nil {
			return err
		}
		fmt.Println("released")
	}
	return nil
}

func main() {
	if err := run(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
