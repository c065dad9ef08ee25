from benchmarks.fuzz.command import main

raise SystemExit(main())
