from benchmarks.trials.command import main

raise SystemExit(main())
