from benchmarks.ltx.command import main

raise SystemExit(main())
