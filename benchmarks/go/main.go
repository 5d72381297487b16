// What a call costs in Consul's own client: the same cases as benchmarks/calls.py, as JSON.
//
//	benchmark PORT
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/consul/api"
)

const (
	key     = "benchmark/key"
	service = "benchmark"
	flight  = 64
	rounds  = 15
)

type spent struct {
	CPU  float64 `json:"cpu"`
	Wall float64 `json:"wall"`
}

// cpu is what this process has used so far, in seconds.
func cpu() float64 {
	var usage syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	seconds := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
	return seconds(usage.Utime) + seconds(usage.Stime)
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func median(values []float64) float64 {
	sort.Float64s(values)
	return values[len(values)/2]
}

// measure gives the medians per call, in microseconds; the first round warms up.
func measure(calls int, batch func()) spent {
	var cpus, walls []float64
	for round := 0; round <= rounds; round++ {
		used, began := cpu(), time.Now()
		batch()
		if round > 0 {
			cpus = append(cpus, (cpu()-used)/float64(calls)*1e6)
			walls = append(walls, time.Since(began).Seconds()/float64(calls)*1e6)
		}
	}
	return spent{median(cpus), median(walls)}
}

func repeat(count int, call func()) func() {
	return func() {
		for i := 0; i < count; i++ {
			call()
		}
	}
}

func main() {
	config := api.DefaultConfig()
	config.Address = "127.0.0.1:" + os.Args[1]
	client, err := api.NewClient(config)
	check(err)
	get := func() {
		_, _, err := client.KV().Get(key, nil)
		check(err)
	}
	put := func() {
		_, err := client.KV().Put(&api.KVPair{Key: key, Value: []byte("a value of some twenty bytes")}, nil)
		check(err)
	}
	health := func() {
		_, _, err := client.Health().Service(service, "", false, nil)
		check(err)
	}
	together := func() {
		var group sync.WaitGroup
		for i := 0; i < flight; i++ {
			group.Add(1)
			go func() {
				defer group.Done()
				get()
			}()
		}
		group.Wait()
	}
	check(json.NewEncoder(os.Stdout).Encode(map[string]spent{
		"get":    measure(150, repeat(150, get)),
		"put":    measure(60, repeat(60, put)),
		"flight": measure(3*flight, repeat(3, together)),
		"health": measure(6, repeat(6, health)),
	}))
}
