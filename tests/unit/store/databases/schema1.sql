BEGIN TRANSACTION;
CREATE TABLE kf_artifacts (digest TEXT NOT NULL, size INTEGER NOT NULL, kind TEXT NOT NULL, names TEXT NOT NULL, types TEXT NOT NULL, late TEXT NOT NULL, created REAL NOT NULL, meta TEXT NOT NULL, PRIMARY KEY (digest));
INSERT INTO "kf_artifacts" VALUES('0000000000000000000000000000000000000000000000000000000000000000',0,'notebook','[]','{}','[]',1700000000.0,'{}');
INSERT INTO "kf_artifacts" VALUES('c2ce6f447ed4d57b1e2feb89414c343c1027c4d1c386bbc4cd613e30d8f16adf',1000,'bundle','["model"]','{}','[]',1700000002.0,'{}');
INSERT INTO "kf_artifacts" VALUES('0000000000000000000000000000000000000000000000000000000000000001',0,'notebook','[]','{}','[]',1700000060.0,'{}');
INSERT INTO "kf_artifacts" VALUES('51431193e6c3f3391a2b8f1ff1fd42a29755d4c13a902931cd447e35b8b6d8fe',1000,'bundle','["model"]','{}','[]',1700000062.0,'{}');
INSERT INTO "kf_artifacts" VALUES('0000000000000000000000000000000000000000000000000000000000000002',0,'notebook','[]','{}','[]',1700000120.0,'{}');
INSERT INTO "kf_artifacts" VALUES('ed2f89d94a2f20aaf3c64af775a89294c2cd789a380208a9ad45f23d3b1a11df',1000,'bundle','["model"]','{}','[]',1700000122.0,'{}');
INSERT INTO "kf_artifacts" VALUES('0000000000000000000000000000000000000000000000000000000000000003',0,'notebook','[]','{}','[]',1700000180.0,'{}');
INSERT INTO "kf_artifacts" VALUES('f9341c68966baea148beab134da98f1d3099fdf5ab99254ae901e35cd47d380d',1000,'bundle','["model"]','{}','[]',1700000182.0,'{}');
INSERT INTO "kf_artifacts" VALUES('0000000000000000000000000000000000000000000000000000000000000004',0,'notebook','[]','{}','[]',1700000240.0,'{}');
INSERT INTO "kf_artifacts" VALUES('64ac5db9d707107e855c384429e821a4c74803e31ba1621582283d15a9ec0806',1000,'bundle','["model"]','{}','[]',1700000242.0,'{}');
INSERT INTO "kf_artifacts" VALUES('0000000000000000000000000000000000000000000000000000000000000005',0,'notebook','[]','{}','[]',1700000300.0,'{}');
INSERT INTO "kf_artifacts" VALUES('8c5fe8f8dc3bf364eb8ac8ce8a245e6b33138131c541013d0326324dfb695ffb',1000,'bundle','["model"]','{}','[]',1700000302.0,'{}');
INSERT INTO "kf_artifacts" VALUES('0000000000000000000000000000000000000000000000000000000000000006',0,'notebook','[]','{}','[]',1700000360.0,'{}');
INSERT INTO "kf_artifacts" VALUES('c703806984c8199921167d8fcf23cae883333218bd91a1b7f03edca7e2dcaa37',1000,'bundle','["model"]','{}','[]',1700000362.0,'{}');
INSERT INTO "kf_artifacts" VALUES('0000000000000000000000000000000000000000000000000000000000000007',0,'notebook','[]','{}','[]',1700000420.0,'{}');
INSERT INTO "kf_artifacts" VALUES('3ac7652ccdf8440407295e4299901c0475491bc354c56c9a9cc9af4ec9546b43',1000,'bundle','["model"]','{}','[]',1700000422.0,'{}');
INSERT INTO "kf_artifacts" VALUES('0000000000000000000000000000000000000000000000000000000000000008',0,'notebook','[]','{}','[]',1700000480.0,'{}');
INSERT INTO "kf_artifacts" VALUES('cc1b0c3e1c07724e44c5b4763fe31d0347fc816ac16e2284c10faa4003ba33db',1000,'bundle','["model"]','{}','[]',1700000482.0,'{}');
INSERT INTO "kf_artifacts" VALUES('0000000000000000000000000000000000000000000000000000000000000009',0,'notebook','[]','{}','[]',1700000540.0,'{}');
INSERT INTO "kf_artifacts" VALUES('57e54acc62f5680c4fdf8e1a060cea631d3b993f79490eab7f1a355e526eb523',1000,'bundle','["model"]','{}','[]',1700000542.0,'{}');
INSERT INTO "kf_artifacts" VALUES('000000000000000000000000000000000000000000000000000000000000000a',0,'notebook','[]','{}','[]',1700000600.0,'{}');
INSERT INTO "kf_artifacts" VALUES('8b7199cd6d39eb43ad9cedde819d7ca7b46108cc721754ef2904acecf5bb9188',1000,'bundle','["model"]','{}','[]',1700000602.0,'{}');
INSERT INTO "kf_artifacts" VALUES('000000000000000000000000000000000000000000000000000000000000000b',0,'notebook','[]','{}','[]',1700000660.0,'{}');
INSERT INTO "kf_artifacts" VALUES('eacc110e4f73fd941391f9b9dbc799b0121b28004e6f5a940c250a03e023033d',1000,'bundle','["model"]','{}','[]',1700000662.0,'{}');
CREATE TABLE kf_events (seq INTEGER NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL, run TEXT NOT NULL, step TEXT NOT NULL, execution TEXT NOT NULL, time REAL NOT NULL, version INTEGER NOT NULL, data TEXT NOT NULL, PRIMARY KEY (seq));
INSERT INTO "kf_events" VALUES(1,'1m822yv5e3afce6ntn39','run.submitted','1hf7yat00n5mnj9e3d7b','','',1700000000.0,1,'{"name":"boosting-0","experiment":"experiment 0","notebook":"/home/user/notebooks/analysis0.ipynb","pipeline":"analysis0","parameters":{"lr":0.01,"depth":6,"model":"boosting"},"tags":{"team":"b","ticket":"T-0"},"snapshot":"0000000000000000000000000000000000000000000000000000000000000000"}');
INSERT INTO "kf_events" VALUES(2,'1m822yv5e0z7e8s6wt1d','run.started','1hf7yat00n5mnj9e3d7b','','',1700000000.1,1,'{"pid":1}');
INSERT INTO "kf_events" VALUES(3,'1m822yv5eddxhmxkfmq4','execution.finished','1hf7yat00n5mnj9e3d7b','train','1hf7yat000xs8b2p2vpj',1700000002.0,1,'{"state":"SUCCEEDED","seconds":1.0283474765220064,"cache_key":"b2221a58008a05a6c4647159c324c9859b810e766ec9d28663ca828dd5f4b3b2","outputs":{"model":"c2ce6f447ed4d57b1e2feb89414c343c1027c4d1c386bbc4cd613e30d8f16adf"},"artifacts":[{"digest":"c2ce6f447ed4d57b1e2feb89414c343c1027c4d1c386bbc4cd613e30d8f16adf","size":1000,"names":["model"]}]}');
INSERT INTO "kf_events" VALUES(4,'1m822yv5eg3jbbgkh845','run.finished','1hf7yat00n5mnj9e3d7b','','',1700000002.1,1,'{"state":"SUCCEEDED"}');
INSERT INTO "kf_events" VALUES(5,'1m822yv5ewq8fg6zae1h','run.submitted','1hf7ycmk09k5qtvjj8zh','','',1700000060.0,1,'{"name":"forest-1","experiment":"experiment 1","notebook":"/home/user/notebooks/analysis1.ipynb","pipeline":"analysis1","parameters":{"lr":0.1,"depth":0,"model":"forest"},"tags":{"team":"a","ticket":"T-1"},"snapshot":"0000000000000000000000000000000000000000000000000000000000000001"}');
INSERT INTO "kf_events" VALUES(6,'1m822yv5ecyrgxef2kh0','run.started','1hf7ycmk09k5qtvjj8zh','','',1700000060.1,1,'{"pid":1}');
INSERT INTO "kf_events" VALUES(7,'1m822yv5ebwqapqjzm82','metrics.logged','1hf7ycmk09k5qtvjj8zh','train','1hf7ycmk0qh8emdw4dam',1700000061.0,1,'{"points":[["acc",0.38120423768821243,null,1700000061.0],["loss",0.6497981913918401,null,1700000061.0]]}');
INSERT INTO "kf_events" VALUES(8,'1m822yv5e4bxshxwdaea','execution.finished','1hf7ycmk09k5qtvjj8zh','train','1hf7ycmk0qh8emdw4dam',1700000062.0,1,'{"state":"SUCCEEDED","seconds":1.4221165755827174,"cache_key":"8d88348a7eed8d14f06d3fef701966a0c381e88f38c0c8fd8712b8bc076f3787","outputs":{"model":"51431193e6c3f3391a2b8f1ff1fd42a29755d4c13a902931cd447e35b8b6d8fe"},"artifacts":[{"digest":"51431193e6c3f3391a2b8f1ff1fd42a29755d4c13a902931cd447e35b8b6d8fe","size":1000,"names":["model"]}]}');
INSERT INTO "kf_events" VALUES(9,'1m822yv5eqd9yx4kkhc2','run.finished','1hf7ycmk09k5qtvjj8zh','','',1700000062.1,1,'{"state":"SUCCEEDED"}');
INSERT INTO "kf_events" VALUES(10,'1m822yv5ezeajmxwchq8','run.submitted','1hf7yef600hhq7p125t4','','',1700000120.0,1,'{"name":"forest-2","experiment":"experiment 2","notebook":"/home/user/notebooks/analysis2.ipynb","pipeline":"analysis2","parameters":{"lr":0.01,"depth":8,"model":"forest"},"tags":{"team":"a","ticket":"T-2"},"snapshot":"0000000000000000000000000000000000000000000000000000000000000002"}');
INSERT INTO "kf_events" VALUES(11,'1m822yv5ef9r3xk1c7eb','run.started','1hf7yef600hhq7p125t4','','',1700000120.1,1,'{"pid":1}');
INSERT INTO "kf_events" VALUES(12,'1m822yv5e8pwwrme425p','metrics.logged','1hf7yef600hhq7p125t4','train','1hf7yef603w4mww4wbpf',1700000121.0,1,'{"points":[["acc",0.9925434121760651,null,1700000121.0],["loss",2.5798395863858694,null,1700000121.0]]}');
INSERT INTO "kf_events" VALUES(13,'1m822yv5e9skx0tsre4m','execution.finished','1hf7yef600hhq7p125t4','train','1hf7yef603w4mww4wbpf',1700000122.0,1,'{"state":"SUCCEEDED","seconds":1.1208899598058064,"cache_key":"f79b17aeefba91fc803468b6b610a9f7f9270f4eb8b333a8e5446dd4552b82f6","outputs":{"model":"ed2f89d94a2f20aaf3c64af775a89294c2cd789a380208a9ad45f23d3b1a11df"},"artifacts":[{"digest":"ed2f89d94a2f20aaf3c64af775a89294c2cd789a380208a9ad45f23d3b1a11df","size":1000,"names":["model"]}]}');
INSERT INTO "kf_events" VALUES(14,'1m822yv5ey5y1gdsgehq','run.finished','1hf7yef600hhq7p125t4','','',1700000122.1,1,'{"state":"SUCCEEDED"}');
INSERT INTO "kf_events" VALUES(15,'1m822yv5ebwthy5tevpc','run.submitted','1hf7yg9s0n49ffvp5svk','','',1700000180.0,1,'{"name":"boosting-3","experiment":"experiment 3","notebook":"/home/user/notebooks/analysis3.ipynb","pipeline":"analysis3","parameters":{"lr":0.001,"depth":6,"model":"boosting"},"tags":{"team":"a","ticket":"T-3"},"snapshot":"0000000000000000000000000000000000000000000000000000000000000003"}');
INSERT INTO "kf_events" VALUES(16,'1m822yv5en3kg8ba4n7y','run.started','1hf7yg9s0n49ffvp5svk','','',1700000180.1,1,'{"pid":1}');
INSERT INTO "kf_events" VALUES(17,'1m822yv5e1w8nh84p883','metrics.logged','1hf7yg9s0n49ffvp5svk','train','1hf7yg9s0gjvkqaq7tpk',1700000181.0,1,'{"points":[["acc",0.7437306552931983,null,1700000181.0],["loss",1.212864281557068,null,1700000181.0]]}');
INSERT INTO "kf_events" VALUES(18,'1m822yv5er4edkg6hpyj','execution.finished','1hf7yg9s0n49ffvp5svk','train','1hf7yg9s0gjvkqaq7tpk',1700000182.0,1,'{"state":"SUCCEEDED","seconds":1.6647435216084674,"cache_key":"5fec898fbcfbb050acab1a6bc69d4bd8b3fa7aa7e1fab9d78c7e134f5dfbd3d1","outputs":{"model":"f9341c68966baea148beab134da98f1d3099fdf5ab99254ae901e35cd47d380d"},"artifacts":[{"digest":"f9341c68966baea148beab134da98f1d3099fdf5ab99254ae901e35cd47d380d","size":1000,"names":["model"]}]}');
INSERT INTO "kf_events" VALUES(19,'1m822yv5e04n15h15yvd','run.finished','1hf7yg9s0n49ffvp5svk','','',1700000182.1,1,'{"state":"SUCCEEDED"}');
INSERT INTO "kf_events" VALUES(20,'1m822yv5ew7ryg9359bb','run.submitted','1hf7yj4c002w16ggxd01','','',1700000240.0,1,'{"name":"boosting-4","experiment":"experiment 4","notebook":"/home/user/notebooks/analysis4.ipynb","pipeline":"analysis4","parameters":{"lr":0.01,"depth":0,"model":"boosting"},"tags":{"team":"d","ticket":"T-4"},"snapshot":"0000000000000000000000000000000000000000000000000000000000000004"}');
INSERT INTO "kf_events" VALUES(21,'1m822yv5ennz9q69zqhn','run.started','1hf7yj4c002w16ggxd01','','',1700000240.1,1,'{"pid":1}');
INSERT INTO "kf_events" VALUES(22,'1m822yv5e9exfecfp5gy','execution.finished','1hf7yj4c002w16ggxd01','train','1hf7yj4c00kq586j3fjm',1700000242.0,1,'{"state":"FAILED","seconds":1.703382088603836,"cache_key":"2b28fef02b9c014ea5ac06d864c2f2e39403560d97dae38d9d643c25fbb230bb","outputs":{"model":"64ac5db9d707107e855c384429e821a4c74803e31ba1621582283d15a9ec0806"},"artifacts":[{"digest":"64ac5db9d707107e855c384429e821a4c74803e31ba1621582283d15a9ec0806","size":1000,"names":["model"]}]}');
INSERT INTO "kf_events" VALUES(23,'1m822yv5ezgwyba1tzrn','run.finished','1hf7yj4c002w16ggxd01','','',1700000242.1,1,'{"state":"FAILED"}');
INSERT INTO "kf_events" VALUES(24,'1m822yv5e58phr98c2kx','run.submitted','1hf7ykyz03nmxkg2agmc','','',1700000300.0,1,'{"name":"forest-5","experiment":"experiment 5","notebook":"/home/user/notebooks/analysis5.ipynb","pipeline":"analysis5","parameters":{"lr":0.01,"depth":8,"model":"forest"},"tags":{"team":"c","ticket":"T-5"},"snapshot":"0000000000000000000000000000000000000000000000000000000000000005"}');
INSERT INTO "kf_events" VALUES(25,'1m822yv5epgnxc5j2axw','run.started','1hf7ykyz03nmxkg2agmc','','',1700000300.1,1,'{"pid":1}');
INSERT INTO "kf_events" VALUES(26,'1m822yv5eyyset1b5e8b','metrics.logged','1hf7ykyz03nmxkg2agmc','train','1hf7ykyz00br5hgeq8br',1700000301.0,1,'{"points":[["acc",0.5777948078012031,null,1700000301.0],["loss",1.3773951957320052,null,1700000301.0]]}');
INSERT INTO "kf_events" VALUES(27,'1m822yv5en59r359hexr','execution.finished','1hf7ykyz03nmxkg2agmc','train','1hf7ykyz00br5hgeq8br',1700000302.0,1,'{"state":"SUCCEEDED","seconds":1.2692794774414211,"cache_key":"db610487c89da11b62397bc701762741bab9f87ff50592859be3cecb8c497c68","outputs":{"model":"8c5fe8f8dc3bf364eb8ac8ce8a245e6b33138131c541013d0326324dfb695ffb"},"artifacts":[{"digest":"8c5fe8f8dc3bf364eb8ac8ce8a245e6b33138131c541013d0326324dfb695ffb","size":1000,"names":["model"]}]}');
INSERT INTO "kf_events" VALUES(28,'1m822yv5enqkv7ehkqqs','run.finished','1hf7ykyz03nmxkg2agmc','','',1700000302.1,1,'{"state":"SUCCEEDED"}');
INSERT INTO "kf_events" VALUES(29,'1m822yv5ef0rq9shcsc9','run.submitted','1hf7ynsj01c1c4g87p86','','',1700000360.0,1,'{"name":"linear-6","experiment":"experiment 6","notebook":"/home/user/notebooks/analysis6.ipynb","pipeline":"analysis6","parameters":{"lr":0.1,"depth":6,"model":"linear"},"tags":{"team":"a","ticket":"T-6"},"snapshot":"0000000000000000000000000000000000000000000000000000000000000006"}');
INSERT INTO "kf_events" VALUES(30,'1m822yv5fdd995gy7nwv','run.started','1hf7ynsj01c1c4g87p86','','',1700000360.1,1,'{"pid":1}');
INSERT INTO "kf_events" VALUES(31,'1m822yv5f1y9ahy3fq30','metrics.logged','1hf7ynsj01c1c4g87p86','train','1hf7ynsj09dnfg7z1c8v',1700000361.0,1,'{"points":[["acc",0.36473604716360064,null,1700000361.0],["loss",1.6632035717332232,null,1700000361.0]]}');
INSERT INTO "kf_events" VALUES(32,'1m822yv5fzj47mmjmm0y','execution.finished','1hf7ynsj01c1c4g87p86','train','1hf7ynsj09dnfg7z1c8v',1700000362.0,1,'{"state":"SUCCEEDED","seconds":1.9410135113054547,"cache_key":"89d9bf020067dba8589890086a17b9af5b569643d037cdff7c240d4969d495dd","outputs":{"model":"c703806984c8199921167d8fcf23cae883333218bd91a1b7f03edca7e2dcaa37"},"artifacts":[{"digest":"c703806984c8199921167d8fcf23cae883333218bd91a1b7f03edca7e2dcaa37","size":1000,"names":["model"]}]}');
INSERT INTO "kf_events" VALUES(33,'1m822yv5fc52jx4g9yp8','run.finished','1hf7ynsj01c1c4g87p86','','',1700000362.1,1,'{"state":"SUCCEEDED"}');
INSERT INTO "kf_events" VALUES(34,'1m822yv5fk42tv4ffhkj','run.submitted','1hf7yqm50s6yj98xk050','','',1700000420.0,1,'{"name":"linear-7","experiment":"experiment 7","notebook":"/home/user/notebooks/analysis7.ipynb","pipeline":"analysis7","parameters":{"lr":0.1,"depth":8,"model":"linear"},"tags":{"team":"b","ticket":"T-7"},"snapshot":"0000000000000000000000000000000000000000000000000000000000000007"}');
INSERT INTO "kf_events" VALUES(35,'1m822yv5fvnbgq3pm243','run.started','1hf7yqm50s6yj98xk050','','',1700000420.1,1,'{"pid":1}');
INSERT INTO "kf_events" VALUES(36,'1m822yv5fvg84qpkbnrn','metrics.logged','1hf7yqm50s6yj98xk050','train','1hf7yqm50z0a1d27vg05',1700000421.0,1,'{"points":[["acc",0.798438940577426,null,1700000421.0],["loss",2.3912926879064886,null,1700000421.0]]}');
INSERT INTO "kf_events" VALUES(37,'1m822yv5f209dwrrz9xy','execution.finished','1hf7yqm50s6yj98xk050','train','1hf7yqm50z0a1d27vg05',1700000422.0,1,'{"state":"SUCCEEDED","seconds":1.8164373705606909,"cache_key":"de3a5db5154ed51212093d26ac512b01f18dd1eed77c96c0084f3dd6415af341","outputs":{"model":"3ac7652ccdf8440407295e4299901c0475491bc354c56c9a9cc9af4ec9546b43"},"artifacts":[{"digest":"3ac7652ccdf8440407295e4299901c0475491bc354c56c9a9cc9af4ec9546b43","size":1000,"names":["model"]}]}');
INSERT INTO "kf_events" VALUES(38,'1m822yv5ftmtsc2vrnq0','run.finished','1hf7yqm50s6yj98xk050','','',1700000422.1,1,'{"state":"SUCCEEDED"}');
INSERT INTO "kf_events" VALUES(39,'1m822yv5f1hx5wctmtcw','run.submitted','1hf7yser0aw6vnhk72qj','','',1700000480.0,1,'{"name":"linear-8","experiment":"experiment 8","notebook":"/home/user/notebooks/analysis8.ipynb","pipeline":"analysis8","parameters":{"lr":0.1,"depth":5,"model":"linear"},"tags":{"team":"c","ticket":"T-8"},"snapshot":"0000000000000000000000000000000000000000000000000000000000000008"}');
INSERT INTO "kf_events" VALUES(40,'1m822yv5f71f3mysvjms','run.started','1hf7yser0aw6vnhk72qj','','',1700000480.1,1,'{"pid":1}');
INSERT INTO "kf_events" VALUES(41,'1m822yv5f23ybxf2b084','execution.finished','1hf7yser0aw6vnhk72qj','train','1hf7yser0agrc0t10wb5',1700000482.0,1,'{"state":"FAILED","seconds":1.1596255246938476,"cache_key":"4b63e0efb62ac1fea5f09e6345ddb87da81aa40a2b0b8c12f3b37f32870266c4","outputs":{"model":"cc1b0c3e1c07724e44c5b4763fe31d0347fc816ac16e2284c10faa4003ba33db"},"artifacts":[{"digest":"cc1b0c3e1c07724e44c5b4763fe31d0347fc816ac16e2284c10faa4003ba33db","size":1000,"names":["model"]}]}');
INSERT INTO "kf_events" VALUES(42,'1m822yv5fsdz3d1r6fb5','run.finished','1hf7yser0aw6vnhk72qj','','',1700000482.1,1,'{"state":"FAILED"}');
INSERT INTO "kf_events" VALUES(43,'1m822yv5fveve7k9h1t8','run.submitted','1hf7yv9b0ygszxncvx9d','','',1700000540.0,1,'{"name":"boosting-9","experiment":"experiment 9","notebook":"/home/user/notebooks/analysis9.ipynb","pipeline":"analysis9","parameters":{"lr":0.1,"depth":4,"model":"boosting"},"tags":{"team":"a","ticket":"T-9"},"snapshot":"0000000000000000000000000000000000000000000000000000000000000009"}');
INSERT INTO "kf_events" VALUES(44,'1m822yv5fgtgnjwz16dp','run.started','1hf7yv9b0ygszxncvx9d','','',1700000540.1,1,'{"pid":1}');
INSERT INTO "kf_events" VALUES(45,'1m822yv5ffpnq6t63yja','metrics.logged','1hf7yv9b0ygszxncvx9d','train','1hf7yv9b0hzfa5533112',1700000541.0,1,'{"points":[["acc",0.730152230785161,null,1700000541.0],["loss",2.9302148269658757,null,1700000541.0]]}');
INSERT INTO "kf_events" VALUES(46,'1m822yv5fwkdcp69gpyy','execution.finished','1hf7yv9b0ygszxncvx9d','train','1hf7yv9b0hzfa5533112',1700000542.0,1,'{"state":"SUCCEEDED","seconds":1.9655635178509998,"cache_key":"257e845465b675cd0492c4f539b21c95055455e8f9bddea5d12982e46e80fa48","outputs":{"model":"57e54acc62f5680c4fdf8e1a060cea631d3b993f79490eab7f1a355e526eb523"},"artifacts":[{"digest":"57e54acc62f5680c4fdf8e1a060cea631d3b993f79490eab7f1a355e526eb523","size":1000,"names":["model"]}]}');
INSERT INTO "kf_events" VALUES(47,'1m822yv5f09axaa6wprw','run.finished','1hf7yv9b0ygszxncvx9d','','',1700000542.1,1,'{"state":"SUCCEEDED"}');
INSERT INTO "kf_events" VALUES(48,'1m822yv5fpn50gck7xtm','run.submitted','1hf7yx3y0k2njfepfe83','','',1700000600.0,1,'{"name":"forest-10","experiment":"experiment 10","notebook":"/home/user/notebooks/analysis0.ipynb","pipeline":"analysis0","parameters":{"lr":0.001,"depth":8,"model":"forest"},"tags":{"team":"d","ticket":"T-10"},"snapshot":"000000000000000000000000000000000000000000000000000000000000000a"}');
INSERT INTO "kf_events" VALUES(49,'1m822yv5f7kgaqds48r8','run.started','1hf7yx3y0k2njfepfe83','','',1700000600.1,1,'{"pid":1}');
INSERT INTO "kf_events" VALUES(50,'1m822yv5fb8w3kpdzzm7','metrics.logged','1hf7yx3y0k2njfepfe83','train','1hf7yx3y0jw8r5yqnwfa',1700000601.0,1,'{"points":[["acc",0.6485064180992564,null,1700000601.0],["loss",1.1846940295748989,null,1700000601.0]]}');
INSERT INTO "kf_events" VALUES(51,'1m822yv5fq8snc8db7pp','execution.finished','1hf7yx3y0k2njfepfe83','train','1hf7yx3y0jw8r5yqnwfa',1700000602.0,1,'{"state":"FAILED","seconds":1.5758459627880566,"cache_key":"202cc8284c717095bcc99ae80f0c8a896d21f4cda185cc8ea8ea37f7523d2a54","outputs":{"model":"8b7199cd6d39eb43ad9cedde819d7ca7b46108cc721754ef2904acecf5bb9188"},"artifacts":[{"digest":"8b7199cd6d39eb43ad9cedde819d7ca7b46108cc721754ef2904acecf5bb9188","size":1000,"names":["model"]}]}');
INSERT INTO "kf_events" VALUES(52,'1m822yv5fdddw02ge4f8','run.finished','1hf7yx3y0k2njfepfe83','','',1700000602.1,1,'{"state":"FAILED"}');
INSERT INTO "kf_events" VALUES(53,'1m822yv5fh0wqzpbgj3f','run.submitted','1hf7yyyh00xpd3aex73v','','',1700000660.0,1,'{"name":"boosting-11","experiment":"experiment 11","notebook":"/home/user/notebooks/analysis1.ipynb","pipeline":"analysis1","parameters":{"lr":0.001,"depth":2,"model":"boosting"},"tags":{"team":"d","ticket":"T-11"},"snapshot":"000000000000000000000000000000000000000000000000000000000000000b"}');
INSERT INTO "kf_events" VALUES(54,'1m822yv5f0v3jp0hea1x','run.started','1hf7yyyh00xpd3aex73v','','',1700000660.1,1,'{"pid":1}');
INSERT INTO "kf_events" VALUES(55,'1m822yv5f2gvz5yw3437','metrics.logged','1hf7yyyh00xpd3aex73v','train','1hf7yyyh0x3fgj1kbvf2',1700000661.0,1,'{"points":[["acc",0.13039112842440792,null,1700000661.0],["loss",1.6821519630860808,null,1700000661.0]]}');
INSERT INTO "kf_events" VALUES(56,'1m822yv5fgphjwcvkkfv','execution.finished','1hf7yyyh00xpd3aex73v','train','1hf7yyyh0x3fgj1kbvf2',1700000662.0,1,'{"state":"SUCCEEDED","seconds":1.8505266609632711,"cache_key":"2be88b4675fa6dd891fde85ce69bae29f652d00837b4000bd1c51f86973082d6","outputs":{"model":"eacc110e4f73fd941391f9b9dbc799b0121b28004e6f5a940c250a03e023033d"},"artifacts":[{"digest":"eacc110e4f73fd941391f9b9dbc799b0121b28004e6f5a940c250a03e023033d","size":1000,"names":["model"]}]}');
INSERT INTO "kf_events" VALUES(57,'1m822yv5fja9ja6s7xan','run.finished','1hf7yyyh00xpd3aex73v','','',1700000662.1,1,'{"state":"SUCCEEDED"}');
CREATE TABLE kf_executions (id TEXT NOT NULL, run TEXT NOT NULL, step TEXT NOT NULL, attempt INTEGER NOT NULL, state TEXT NOT NULL, cached INTEGER NOT NULL, cache_key TEXT NOT NULL, reason TEXT NOT NULL, started REAL, finished REAL, seconds REAL, folder TEXT NOT NULL, inputs TEXT NOT NULL, outputs TEXT NOT NULL, error TEXT, report TEXT, superseded TEXT NOT NULL, place INTEGER NOT NULL, PRIMARY KEY (id));
INSERT INTO "kf_executions" VALUES('1hf7yat000xs8b2p2vpj','1hf7yat00n5mnj9e3d7b','train',1,'SUCCEEDED',0,'b2221a58008a05a6c4647159c324c9859b810e766ec9d28663ca828dd5f4b3b2','',1.70000000097165250775e+09,1700000002.0,1.02834747652200642065e+00,'','{}','{"model":"c2ce6f447ed4d57b1e2feb89414c343c1027c4d1c386bbc4cd613e30d8f16adf"}',NULL,NULL,'',3);
INSERT INTO "kf_executions" VALUES('1hf7ycmk0qh8emdw4dam','1hf7ycmk09k5qtvjj8zh','train',1,'SUCCEEDED',0,'8d88348a7eed8d14f06d3fef701966a0c381e88f38c0c8fd8712b8bc076f3787','',1.70000006057788348194e+09,1700000062.0,1.42211657558271742374e+00,'','{}','{"model":"51431193e6c3f3391a2b8f1ff1fd42a29755d4c13a902931cd447e35b8b6d8fe"}',NULL,NULL,'',8);
INSERT INTO "kf_executions" VALUES('1hf7yef603w4mww4wbpf','1hf7yef600hhq7p125t4','train',1,'SUCCEEDED',0,'f79b17aeefba91fc803468b6b610a9f7f9270f4eb8b333a8e5446dd4552b82f6','',1700000120.87911,1700000122.0,1.12088995980580641287e+00,'','{}','{"model":"ed2f89d94a2f20aaf3c64af775a89294c2cd789a380208a9ad45f23d3b1a11df"}',NULL,NULL,'',13);
INSERT INTO "kf_executions" VALUES('1hf7yg9s0gjvkqaq7tpk','1hf7yg9s0n49ffvp5svk','train',1,'SUCCEEDED',0,'5fec898fbcfbb050acab1a6bc69d4bd8b3fa7aa7e1fab9d78c7e134f5dfbd3d1','',1.70000018033525657655e+09,1700000182.0,1.66474352160846739145e+00,'','{}','{"model":"f9341c68966baea148beab134da98f1d3099fdf5ab99254ae901e35cd47d380d"}',NULL,NULL,'',18);
INSERT INTO "kf_executions" VALUES('1hf7yj4c00kq586j3fjm','1hf7yj4c002w16ggxd01','train',1,'FAILED',0,'2b28fef02b9c014ea5ac06d864c2f2e39403560d97dae38d9d643c25fbb230bb','',1.70000024029661798473e+09,1700000242.0,1.70338208860383599763e+00,'','{}','{"model":"64ac5db9d707107e855c384429e821a4c74803e31ba1621582283d15a9ec0806"}',NULL,NULL,'',22);
INSERT INTO "kf_executions" VALUES('1hf7ykyz00br5hgeq8br','1hf7ykyz03nmxkg2agmc','train',1,'SUCCEEDED',0,'db610487c89da11b62397bc701762741bab9f87ff50592859be3cecb8c497c68','',1.70000030073072051998e+09,1700000302.0,1.26927947744142111119e+00,'','{}','{"model":"8c5fe8f8dc3bf364eb8ac8ce8a245e6b33138131c541013d0326324dfb695ffb"}',NULL,NULL,'',27);
INSERT INTO "kf_executions" VALUES('1hf7ynsj09dnfg7z1c8v','1hf7ynsj01c1c4g87p86','train',1,'SUCCEEDED',0,'89d9bf020067dba8589890086a17b9af5b569643d037cdff7c240d4969d495dd','',1.70000036005898642541e+09,1700000362.0,1.94101351130545474177e+00,'','{}','{"model":"c703806984c8199921167d8fcf23cae883333218bd91a1b7f03edca7e2dcaa37"}',NULL,NULL,'',32);
INSERT INTO "kf_executions" VALUES('1hf7yqm50z0a1d27vg05','1hf7yqm50s6yj98xk050','train',1,'SUCCEEDED',0,'de3a5db5154ed51212093d26ac512b01f18dd1eed77c96c0084f3dd6415af341','',1.70000042018356251711e+09,1700000422.0,1.8164373705606908782e+00,'','{}','{"model":"3ac7652ccdf8440407295e4299901c0475491bc354c56c9a9cc9af4ec9546b43"}',NULL,NULL,'',37);
INSERT INTO "kf_executions" VALUES('1hf7yser0agrc0t10wb5','1hf7yser0aw6vnhk72qj','train',1,'FAILED',0,'4b63e0efb62ac1fea5f09e6345ddb87da81aa40a2b0b8c12f3b37f32870266c4','',1.70000048084037446976e+09,1700000482.0,1.15962552469384760911e+00,'','{}','{"model":"cc1b0c3e1c07724e44c5b4763fe31d0347fc816ac16e2284c10faa4003ba33db"}',NULL,NULL,'',41);
INSERT INTO "kf_executions" VALUES('1hf7yv9b0hzfa5533112','1hf7yv9b0ygszxncvx9d','train',1,'SUCCEEDED',0,'257e845465b675cd0492c4f539b21c95055455e8f9bddea5d12982e46e80fa48','',1.70000054003443646427e+09,1700000542.0,1.96556351785099980844e+00,'','{}','{"model":"57e54acc62f5680c4fdf8e1a060cea631d3b993f79490eab7f1a355e526eb523"}',NULL,NULL,'',46);
INSERT INTO "kf_executions" VALUES('1hf7yx3y0jw8r5yqnwfa','1hf7yx3y0k2njfepfe83','train',1,'FAILED',0,'202cc8284c717095bcc99ae80f0c8a896d21f4cda185cc8ea8ea37f7523d2a54','',1.70000060042415404321e+09,1700000602.0,1.57584596278805655344e+00,'','{}','{"model":"8b7199cd6d39eb43ad9cedde819d7ca7b46108cc721754ef2904acecf5bb9188"}',NULL,NULL,'',51);
INSERT INTO "kf_executions" VALUES('1hf7yyyh0x3fgj1kbvf2','1hf7yyyh00xpd3aex73v','train',1,'SUCCEEDED',0,'2be88b4675fa6dd891fde85ce69bae29f652d00837b4000bd1c51f86973082d6','',1.70000066014947342875e+09,1700000662.0,1.85052666096327111944e+00,'','{}','{"model":"eacc110e4f73fd941391f9b9dbc799b0121b28004e6f5a940c250a03e023033d"}',NULL,NULL,'',56);
CREATE TABLE kf_experiments (name TEXT NOT NULL, description TEXT NOT NULL, created REAL NOT NULL, PRIMARY KEY (name));
INSERT INTO "kf_experiments" VALUES('experiment 0','',1700000000.0);
INSERT INTO "kf_experiments" VALUES('experiment 1','',1700000060.0);
INSERT INTO "kf_experiments" VALUES('experiment 2','',1700000120.0);
INSERT INTO "kf_experiments" VALUES('experiment 3','',1700000180.0);
INSERT INTO "kf_experiments" VALUES('experiment 4','',1700000240.0);
INSERT INTO "kf_experiments" VALUES('experiment 5','',1700000300.0);
INSERT INTO "kf_experiments" VALUES('experiment 6','',1700000360.0);
INSERT INTO "kf_experiments" VALUES('experiment 7','',1700000420.0);
INSERT INTO "kf_experiments" VALUES('experiment 8','',1700000480.0);
INSERT INTO "kf_experiments" VALUES('experiment 9','',1700000540.0);
INSERT INTO "kf_experiments" VALUES('experiment 10','',1700000600.0);
INSERT INTO "kf_experiments" VALUES('experiment 11','',1700000660.0);
CREATE TABLE kf_lineage (run TEXT NOT NULL, execution TEXT NOT NULL, role TEXT NOT NULL, name TEXT NOT NULL, digest TEXT NOT NULL, PRIMARY KEY (run, execution, role, name, digest));
INSERT INTO "kf_lineage" VALUES('1hf7yat00n5mnj9e3d7b','','snapshot','','0000000000000000000000000000000000000000000000000000000000000000');
INSERT INTO "kf_lineage" VALUES('1hf7yat00n5mnj9e3d7b','1hf7yat000xs8b2p2vpj','output','model','c2ce6f447ed4d57b1e2feb89414c343c1027c4d1c386bbc4cd613e30d8f16adf');
INSERT INTO "kf_lineage" VALUES('1hf7ycmk09k5qtvjj8zh','','snapshot','','0000000000000000000000000000000000000000000000000000000000000001');
INSERT INTO "kf_lineage" VALUES('1hf7ycmk09k5qtvjj8zh','1hf7ycmk0qh8emdw4dam','output','model','51431193e6c3f3391a2b8f1ff1fd42a29755d4c13a902931cd447e35b8b6d8fe');
INSERT INTO "kf_lineage" VALUES('1hf7yef600hhq7p125t4','','snapshot','','0000000000000000000000000000000000000000000000000000000000000002');
INSERT INTO "kf_lineage" VALUES('1hf7yef600hhq7p125t4','1hf7yef603w4mww4wbpf','output','model','ed2f89d94a2f20aaf3c64af775a89294c2cd789a380208a9ad45f23d3b1a11df');
INSERT INTO "kf_lineage" VALUES('1hf7yg9s0n49ffvp5svk','','snapshot','','0000000000000000000000000000000000000000000000000000000000000003');
INSERT INTO "kf_lineage" VALUES('1hf7yg9s0n49ffvp5svk','1hf7yg9s0gjvkqaq7tpk','output','model','f9341c68966baea148beab134da98f1d3099fdf5ab99254ae901e35cd47d380d');
INSERT INTO "kf_lineage" VALUES('1hf7yj4c002w16ggxd01','','snapshot','','0000000000000000000000000000000000000000000000000000000000000004');
INSERT INTO "kf_lineage" VALUES('1hf7yj4c002w16ggxd01','1hf7yj4c00kq586j3fjm','output','model','64ac5db9d707107e855c384429e821a4c74803e31ba1621582283d15a9ec0806');
INSERT INTO "kf_lineage" VALUES('1hf7ykyz03nmxkg2agmc','','snapshot','','0000000000000000000000000000000000000000000000000000000000000005');
INSERT INTO "kf_lineage" VALUES('1hf7ykyz03nmxkg2agmc','1hf7ykyz00br5hgeq8br','output','model','8c5fe8f8dc3bf364eb8ac8ce8a245e6b33138131c541013d0326324dfb695ffb');
INSERT INTO "kf_lineage" VALUES('1hf7ynsj01c1c4g87p86','','snapshot','','0000000000000000000000000000000000000000000000000000000000000006');
INSERT INTO "kf_lineage" VALUES('1hf7ynsj01c1c4g87p86','1hf7ynsj09dnfg7z1c8v','output','model','c703806984c8199921167d8fcf23cae883333218bd91a1b7f03edca7e2dcaa37');
INSERT INTO "kf_lineage" VALUES('1hf7yqm50s6yj98xk050','','snapshot','','0000000000000000000000000000000000000000000000000000000000000007');
INSERT INTO "kf_lineage" VALUES('1hf7yqm50s6yj98xk050','1hf7yqm50z0a1d27vg05','output','model','3ac7652ccdf8440407295e4299901c0475491bc354c56c9a9cc9af4ec9546b43');
INSERT INTO "kf_lineage" VALUES('1hf7yser0aw6vnhk72qj','','snapshot','','0000000000000000000000000000000000000000000000000000000000000008');
INSERT INTO "kf_lineage" VALUES('1hf7yser0aw6vnhk72qj','1hf7yser0agrc0t10wb5','output','model','cc1b0c3e1c07724e44c5b4763fe31d0347fc816ac16e2284c10faa4003ba33db');
INSERT INTO "kf_lineage" VALUES('1hf7yv9b0ygszxncvx9d','','snapshot','','0000000000000000000000000000000000000000000000000000000000000009');
INSERT INTO "kf_lineage" VALUES('1hf7yv9b0ygszxncvx9d','1hf7yv9b0hzfa5533112','output','model','57e54acc62f5680c4fdf8e1a060cea631d3b993f79490eab7f1a355e526eb523');
INSERT INTO "kf_lineage" VALUES('1hf7yx3y0k2njfepfe83','','snapshot','','000000000000000000000000000000000000000000000000000000000000000a');
INSERT INTO "kf_lineage" VALUES('1hf7yx3y0k2njfepfe83','1hf7yx3y0jw8r5yqnwfa','output','model','8b7199cd6d39eb43ad9cedde819d7ca7b46108cc721754ef2904acecf5bb9188');
INSERT INTO "kf_lineage" VALUES('1hf7yyyh00xpd3aex73v','','snapshot','','000000000000000000000000000000000000000000000000000000000000000b');
INSERT INTO "kf_lineage" VALUES('1hf7yyyh00xpd3aex73v','1hf7yyyh0x3fgj1kbvf2','output','model','eacc110e4f73fd941391f9b9dbc799b0121b28004e6f5a940c250a03e023033d');
CREATE TABLE kf_metrics (run TEXT NOT NULL, execution TEXT NOT NULL, name TEXT NOT NULL, value REAL, odd TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (run, execution, name));
INSERT INTO "kf_metrics" VALUES('1hf7ycmk09k5qtvjj8zh','1hf7ycmk0qh8emdw4dam','acc',3.81204237688212432821e-01,'',7);
INSERT INTO "kf_metrics" VALUES('1hf7ycmk09k5qtvjj8zh','1hf7ycmk0qh8emdw4dam','loss',6.49798191391840140873e-01,'',7);
INSERT INTO "kf_metrics" VALUES('1hf7yef600hhq7p125t4','1hf7yef603w4mww4wbpf','acc',9.92543412176065120711e-01,'',12);
INSERT INTO "kf_metrics" VALUES('1hf7yef600hhq7p125t4','1hf7yef603w4mww4wbpf','loss',2.57983958638586940992e+00,'',12);
INSERT INTO "kf_metrics" VALUES('1hf7yg9s0n49ffvp5svk','1hf7yg9s0gjvkqaq7tpk','acc',7.43730655293198261723e-01,'',17);
INSERT INTO "kf_metrics" VALUES('1hf7yg9s0n49ffvp5svk','1hf7yg9s0gjvkqaq7tpk','loss',1.21286428155706804687e+00,'',17);
INSERT INTO "kf_metrics" VALUES('1hf7ykyz03nmxkg2agmc','1hf7ykyz00br5hgeq8br','acc',5.77794807801203069708e-01,'',26);
INSERT INTO "kf_metrics" VALUES('1hf7ykyz03nmxkg2agmc','1hf7ykyz00br5hgeq8br','loss',1.37739519573200519531e+00,'',26);
INSERT INTO "kf_metrics" VALUES('1hf7ynsj01c1c4g87p86','1hf7ynsj09dnfg7z1c8v','acc',3.64736047163600640708e-01,'',31);
INSERT INTO "kf_metrics" VALUES('1hf7ynsj01c1c4g87p86','1hf7ynsj09dnfg7z1c8v','loss',1.6632035717332231961e+00,'',31);
INSERT INTO "kf_metrics" VALUES('1hf7yqm50s6yj98xk050','1hf7yqm50z0a1d27vg05','acc',0.798438940577426,'',36);
INSERT INTO "kf_metrics" VALUES('1hf7yqm50s6yj98xk050','1hf7yqm50z0a1d27vg05','loss',2.39129268790648863429e+00,'',36);
INSERT INTO "kf_metrics" VALUES('1hf7yv9b0ygszxncvx9d','1hf7yv9b0hzfa5533112','acc',0.730152230785161,'',45);
INSERT INTO "kf_metrics" VALUES('1hf7yv9b0ygszxncvx9d','1hf7yv9b0hzfa5533112','loss',2.93021482696587565186e+00,'',45);
INSERT INTO "kf_metrics" VALUES('1hf7yx3y0k2njfepfe83','1hf7yx3y0jw8r5yqnwfa','acc',6.48506418099256354281e-01,'',50);
INSERT INTO "kf_metrics" VALUES('1hf7yx3y0k2njfepfe83','1hf7yx3y0jw8r5yqnwfa','loss',1.18469402957489888805e+00,'',50);
INSERT INTO "kf_metrics" VALUES('1hf7yyyh00xpd3aex73v','1hf7yyyh0x3fgj1kbvf2','acc',1.30391128424407920505e-01,'',55);
INSERT INTO "kf_metrics" VALUES('1hf7yyyh00xpd3aex73v','1hf7yyyh0x3fgj1kbvf2','loss',1.68215196308608083697e+00,'',55);
CREATE TABLE kf_parameters (run TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, number REAL, words TEXT NOT NULL, PRIMARY KEY (run, name));
INSERT INTO "kf_parameters" VALUES('1hf7yat00n5mnj9e3d7b','lr','0.01',0.01,'0.01');
INSERT INTO "kf_parameters" VALUES('1hf7yat00n5mnj9e3d7b','depth','6',6.0,'6');
INSERT INTO "kf_parameters" VALUES('1hf7yat00n5mnj9e3d7b','model','"boosting"',NULL,'boosting');
INSERT INTO "kf_parameters" VALUES('1hf7ycmk09k5qtvjj8zh','lr','0.1',0.1,'0.1');
INSERT INTO "kf_parameters" VALUES('1hf7ycmk09k5qtvjj8zh','depth','0',0.0,'0');
INSERT INTO "kf_parameters" VALUES('1hf7ycmk09k5qtvjj8zh','model','"forest"',NULL,'forest');
INSERT INTO "kf_parameters" VALUES('1hf7yef600hhq7p125t4','lr','0.01',0.01,'0.01');
INSERT INTO "kf_parameters" VALUES('1hf7yef600hhq7p125t4','depth','8',8.0,'8');
INSERT INTO "kf_parameters" VALUES('1hf7yef600hhq7p125t4','model','"forest"',NULL,'forest');
INSERT INTO "kf_parameters" VALUES('1hf7yg9s0n49ffvp5svk','lr','0.001',0.001,'0.001');
INSERT INTO "kf_parameters" VALUES('1hf7yg9s0n49ffvp5svk','depth','6',6.0,'6');
INSERT INTO "kf_parameters" VALUES('1hf7yg9s0n49ffvp5svk','model','"boosting"',NULL,'boosting');
INSERT INTO "kf_parameters" VALUES('1hf7yj4c002w16ggxd01','lr','0.01',0.01,'0.01');
INSERT INTO "kf_parameters" VALUES('1hf7yj4c002w16ggxd01','depth','0',0.0,'0');
INSERT INTO "kf_parameters" VALUES('1hf7yj4c002w16ggxd01','model','"boosting"',NULL,'boosting');
INSERT INTO "kf_parameters" VALUES('1hf7ykyz03nmxkg2agmc','lr','0.01',0.01,'0.01');
INSERT INTO "kf_parameters" VALUES('1hf7ykyz03nmxkg2agmc','depth','8',8.0,'8');
INSERT INTO "kf_parameters" VALUES('1hf7ykyz03nmxkg2agmc','model','"forest"',NULL,'forest');
INSERT INTO "kf_parameters" VALUES('1hf7ynsj01c1c4g87p86','lr','0.1',0.1,'0.1');
INSERT INTO "kf_parameters" VALUES('1hf7ynsj01c1c4g87p86','depth','6',6.0,'6');
INSERT INTO "kf_parameters" VALUES('1hf7ynsj01c1c4g87p86','model','"linear"',NULL,'linear');
INSERT INTO "kf_parameters" VALUES('1hf7yqm50s6yj98xk050','lr','0.1',0.1,'0.1');
INSERT INTO "kf_parameters" VALUES('1hf7yqm50s6yj98xk050','depth','8',8.0,'8');
INSERT INTO "kf_parameters" VALUES('1hf7yqm50s6yj98xk050','model','"linear"',NULL,'linear');
INSERT INTO "kf_parameters" VALUES('1hf7yser0aw6vnhk72qj','lr','0.1',0.1,'0.1');
INSERT INTO "kf_parameters" VALUES('1hf7yser0aw6vnhk72qj','depth','5',5.0,'5');
INSERT INTO "kf_parameters" VALUES('1hf7yser0aw6vnhk72qj','model','"linear"',NULL,'linear');
INSERT INTO "kf_parameters" VALUES('1hf7yv9b0ygszxncvx9d','lr','0.1',0.1,'0.1');
INSERT INTO "kf_parameters" VALUES('1hf7yv9b0ygszxncvx9d','depth','4',4.0,'4');
INSERT INTO "kf_parameters" VALUES('1hf7yv9b0ygszxncvx9d','model','"boosting"',NULL,'boosting');
INSERT INTO "kf_parameters" VALUES('1hf7yx3y0k2njfepfe83','lr','0.001',0.001,'0.001');
INSERT INTO "kf_parameters" VALUES('1hf7yx3y0k2njfepfe83','depth','8',8.0,'8');
INSERT INTO "kf_parameters" VALUES('1hf7yx3y0k2njfepfe83','model','"forest"',NULL,'forest');
INSERT INTO "kf_parameters" VALUES('1hf7yyyh00xpd3aex73v','lr','0.001',0.001,'0.001');
INSERT INTO "kf_parameters" VALUES('1hf7yyyh00xpd3aex73v','depth','2',2.0,'2');
INSERT INTO "kf_parameters" VALUES('1hf7yyyh00xpd3aex73v','model','"boosting"',NULL,'boosting');
CREATE TABLE kf_points (seq INTEGER NOT NULL, place INTEGER NOT NULL, run TEXT NOT NULL, execution TEXT NOT NULL, step TEXT NOT NULL, name TEXT NOT NULL, value REAL, odd TEXT NOT NULL, at REAL, time REAL NOT NULL, PRIMARY KEY (seq, place));
INSERT INTO "kf_points" VALUES(7,0,'1hf7ycmk09k5qtvjj8zh','1hf7ycmk0qh8emdw4dam','train','acc',3.81204237688212432821e-01,'',NULL,1700000061.0);
INSERT INTO "kf_points" VALUES(7,1,'1hf7ycmk09k5qtvjj8zh','1hf7ycmk0qh8emdw4dam','train','loss',6.49798191391840140873e-01,'',NULL,1700000061.0);
INSERT INTO "kf_points" VALUES(12,0,'1hf7yef600hhq7p125t4','1hf7yef603w4mww4wbpf','train','acc',9.92543412176065120711e-01,'',NULL,1700000121.0);
INSERT INTO "kf_points" VALUES(12,1,'1hf7yef600hhq7p125t4','1hf7yef603w4mww4wbpf','train','loss',2.57983958638586940992e+00,'',NULL,1700000121.0);
INSERT INTO "kf_points" VALUES(17,0,'1hf7yg9s0n49ffvp5svk','1hf7yg9s0gjvkqaq7tpk','train','acc',7.43730655293198261723e-01,'',NULL,1700000181.0);
INSERT INTO "kf_points" VALUES(17,1,'1hf7yg9s0n49ffvp5svk','1hf7yg9s0gjvkqaq7tpk','train','loss',1.21286428155706804687e+00,'',NULL,1700000181.0);
INSERT INTO "kf_points" VALUES(26,0,'1hf7ykyz03nmxkg2agmc','1hf7ykyz00br5hgeq8br','train','acc',5.77794807801203069708e-01,'',NULL,1700000301.0);
INSERT INTO "kf_points" VALUES(26,1,'1hf7ykyz03nmxkg2agmc','1hf7ykyz00br5hgeq8br','train','loss',1.37739519573200519531e+00,'',NULL,1700000301.0);
INSERT INTO "kf_points" VALUES(31,0,'1hf7ynsj01c1c4g87p86','1hf7ynsj09dnfg7z1c8v','train','acc',3.64736047163600640708e-01,'',NULL,1700000361.0);
INSERT INTO "kf_points" VALUES(31,1,'1hf7ynsj01c1c4g87p86','1hf7ynsj09dnfg7z1c8v','train','loss',1.6632035717332231961e+00,'',NULL,1700000361.0);
INSERT INTO "kf_points" VALUES(36,0,'1hf7yqm50s6yj98xk050','1hf7yqm50z0a1d27vg05','train','acc',0.798438940577426,'',NULL,1700000421.0);
INSERT INTO "kf_points" VALUES(36,1,'1hf7yqm50s6yj98xk050','1hf7yqm50z0a1d27vg05','train','loss',2.39129268790648863429e+00,'',NULL,1700000421.0);
INSERT INTO "kf_points" VALUES(45,0,'1hf7yv9b0ygszxncvx9d','1hf7yv9b0hzfa5533112','train','acc',0.730152230785161,'',NULL,1700000541.0);
INSERT INTO "kf_points" VALUES(45,1,'1hf7yv9b0ygszxncvx9d','1hf7yv9b0hzfa5533112','train','loss',2.93021482696587565186e+00,'',NULL,1700000541.0);
INSERT INTO "kf_points" VALUES(50,0,'1hf7yx3y0k2njfepfe83','1hf7yx3y0jw8r5yqnwfa','train','acc',6.48506418099256354281e-01,'',NULL,1700000601.0);
INSERT INTO "kf_points" VALUES(50,1,'1hf7yx3y0k2njfepfe83','1hf7yx3y0jw8r5yqnwfa','train','loss',1.18469402957489888805e+00,'',NULL,1700000601.0);
INSERT INTO "kf_points" VALUES(55,0,'1hf7yyyh00xpd3aex73v','1hf7yyyh0x3fgj1kbvf2','train','acc',1.30391128424407920505e-01,'',NULL,1700000661.0);
INSERT INTO "kf_points" VALUES(55,1,'1hf7yyyh00xpd3aex73v','1hf7yyyh0x3fgj1kbvf2','train','loss',1.68215196308608083697e+00,'',NULL,1700000661.0);
CREATE TABLE kf_run_metrics (run TEXT NOT NULL, name TEXT NOT NULL, value REAL, odd TEXT NOT NULL, PRIMARY KEY (run, name));
INSERT INTO "kf_run_metrics" VALUES('1hf7ycmk09k5qtvjj8zh','acc',3.81204237688212432821e-01,'');
INSERT INTO "kf_run_metrics" VALUES('1hf7ycmk09k5qtvjj8zh','loss',6.49798191391840140873e-01,'');
INSERT INTO "kf_run_metrics" VALUES('1hf7yef600hhq7p125t4','acc',9.92543412176065120711e-01,'');
INSERT INTO "kf_run_metrics" VALUES('1hf7yef600hhq7p125t4','loss',2.57983958638586940992e+00,'');
INSERT INTO "kf_run_metrics" VALUES('1hf7yg9s0n49ffvp5svk','acc',7.43730655293198261723e-01,'');
INSERT INTO "kf_run_metrics" VALUES('1hf7yg9s0n49ffvp5svk','loss',1.21286428155706804687e+00,'');
INSERT INTO "kf_run_metrics" VALUES('1hf7ykyz03nmxkg2agmc','acc',5.77794807801203069708e-01,'');
INSERT INTO "kf_run_metrics" VALUES('1hf7ykyz03nmxkg2agmc','loss',1.37739519573200519531e+00,'');
INSERT INTO "kf_run_metrics" VALUES('1hf7ynsj01c1c4g87p86','acc',3.64736047163600640708e-01,'');
INSERT INTO "kf_run_metrics" VALUES('1hf7ynsj01c1c4g87p86','loss',1.6632035717332231961e+00,'');
INSERT INTO "kf_run_metrics" VALUES('1hf7yqm50s6yj98xk050','acc',0.798438940577426,'');
INSERT INTO "kf_run_metrics" VALUES('1hf7yqm50s6yj98xk050','loss',2.39129268790648863429e+00,'');
INSERT INTO "kf_run_metrics" VALUES('1hf7yv9b0ygszxncvx9d','acc',0.730152230785161,'');
INSERT INTO "kf_run_metrics" VALUES('1hf7yv9b0ygszxncvx9d','loss',2.93021482696587565186e+00,'');
INSERT INTO "kf_run_metrics" VALUES('1hf7yx3y0k2njfepfe83','acc',6.48506418099256354281e-01,'');
INSERT INTO "kf_run_metrics" VALUES('1hf7yx3y0k2njfepfe83','loss',1.18469402957489888805e+00,'');
INSERT INTO "kf_run_metrics" VALUES('1hf7yyyh00xpd3aex73v','acc',1.30391128424407920505e-01,'');
INSERT INTO "kf_run_metrics" VALUES('1hf7yyyh00xpd3aex73v','loss',1.68215196308608083697e+00,'');
CREATE TABLE kf_runs (id TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL, experiment TEXT NOT NULL, state TEXT NOT NULL, notebook TEXT NOT NULL, pipeline TEXT NOT NULL, engine TEXT NOT NULL, note TEXT NOT NULL, created REAL NOT NULL, started REAL, finished REAL, seconds REAL, snapshot TEXT NOT NULL, environment TEXT NOT NULL, error TEXT, resumes INTEGER NOT NULL, deleted INTEGER NOT NULL, search TEXT NOT NULL, PRIMARY KEY (id));
INSERT INTO "kf_runs" VALUES('1hf7yat00n5mnj9e3d7b','boosting-0','pipeline','experiment 0','SUCCEEDED','/home/user/notebooks/analysis0.ipynb','analysis0','local','',1700000000.0,1700000000.1,1700000002.1,2.0,'0000000000000000000000000000000000000000000000000000000000000000','',NULL,0,0,'1hf7yat00n5mnj9e3d7b
boosting-0
experiment 0
team=b
ticket=t-0

analysis0.ipynb
analysis0');
INSERT INTO "kf_runs" VALUES('1hf7ycmk09k5qtvjj8zh','forest-1','pipeline','experiment 1','SUCCEEDED','/home/user/notebooks/analysis1.ipynb','analysis1','local','',1700000060.0,1700000060.1,1700000062.1,2.0,'0000000000000000000000000000000000000000000000000000000000000001','',NULL,0,0,'1hf7ycmk09k5qtvjj8zh
forest-1
experiment 1
team=a
ticket=t-1

analysis1.ipynb
analysis1');
INSERT INTO "kf_runs" VALUES('1hf7yef600hhq7p125t4','forest-2','pipeline','experiment 2','SUCCEEDED','/home/user/notebooks/analysis2.ipynb','analysis2','local','',1700000120.0,1700000120.1,1700000122.1,2.0,'0000000000000000000000000000000000000000000000000000000000000002','',NULL,0,0,'1hf7yef600hhq7p125t4
forest-2
experiment 2
team=a
ticket=t-2

analysis2.ipynb
analysis2');
INSERT INTO "kf_runs" VALUES('1hf7yg9s0n49ffvp5svk','boosting-3','pipeline','experiment 3','SUCCEEDED','/home/user/notebooks/analysis3.ipynb','analysis3','local','',1700000180.0,1700000180.1,1700000182.1,2.0,'0000000000000000000000000000000000000000000000000000000000000003','',NULL,0,0,'1hf7yg9s0n49ffvp5svk
boosting-3
experiment 3
team=a
ticket=t-3

analysis3.ipynb
analysis3');
INSERT INTO "kf_runs" VALUES('1hf7yj4c002w16ggxd01','boosting-4','pipeline','experiment 4','FAILED','/home/user/notebooks/analysis4.ipynb','analysis4','local','',1700000240.0,1700000240.1,1700000242.1,2.0,'0000000000000000000000000000000000000000000000000000000000000004','',NULL,0,0,'1hf7yj4c002w16ggxd01
boosting-4
experiment 4
team=d
ticket=t-4

analysis4.ipynb
analysis4');
INSERT INTO "kf_runs" VALUES('1hf7ykyz03nmxkg2agmc','forest-5','pipeline','experiment 5','SUCCEEDED','/home/user/notebooks/analysis5.ipynb','analysis5','local','',1700000300.0,1700000300.1,1700000302.1,2.0,'0000000000000000000000000000000000000000000000000000000000000005','',NULL,0,0,'1hf7ykyz03nmxkg2agmc
forest-5
experiment 5
team=c
ticket=t-5

analysis5.ipynb
analysis5');
INSERT INTO "kf_runs" VALUES('1hf7ynsj01c1c4g87p86','linear-6','pipeline','experiment 6','SUCCEEDED','/home/user/notebooks/analysis6.ipynb','analysis6','local','',1700000360.0,1700000360.1,1700000362.1,2.0,'0000000000000000000000000000000000000000000000000000000000000006','',NULL,0,0,'1hf7ynsj01c1c4g87p86
linear-6
experiment 6
team=a
ticket=t-6

analysis6.ipynb
analysis6');
INSERT INTO "kf_runs" VALUES('1hf7yqm50s6yj98xk050','linear-7','pipeline','experiment 7','SUCCEEDED','/home/user/notebooks/analysis7.ipynb','analysis7','local','',1700000420.0,1700000420.1,1700000422.1,2.0,'0000000000000000000000000000000000000000000000000000000000000007','',NULL,0,0,'1hf7yqm50s6yj98xk050
linear-7
experiment 7
team=b
ticket=t-7

analysis7.ipynb
analysis7');
INSERT INTO "kf_runs" VALUES('1hf7yser0aw6vnhk72qj','linear-8','pipeline','experiment 8','FAILED','/home/user/notebooks/analysis8.ipynb','analysis8','local','',1700000480.0,1700000480.1,1700000482.1,2.0,'0000000000000000000000000000000000000000000000000000000000000008','',NULL,0,0,'1hf7yser0aw6vnhk72qj
linear-8
experiment 8
team=c
ticket=t-8

analysis8.ipynb
analysis8');
INSERT INTO "kf_runs" VALUES('1hf7yv9b0ygszxncvx9d','boosting-9','pipeline','experiment 9','SUCCEEDED','/home/user/notebooks/analysis9.ipynb','analysis9','local','',1700000540.0,1700000540.1,1700000542.1,2.0,'0000000000000000000000000000000000000000000000000000000000000009','',NULL,0,0,'1hf7yv9b0ygszxncvx9d
boosting-9
experiment 9
team=a
ticket=t-9

analysis9.ipynb
analysis9');
INSERT INTO "kf_runs" VALUES('1hf7yx3y0k2njfepfe83','forest-10','pipeline','experiment 10','FAILED','/home/user/notebooks/analysis0.ipynb','analysis0','local','',1700000600.0,1700000600.1,1700000602.1,2.0,'000000000000000000000000000000000000000000000000000000000000000a','',NULL,0,0,'1hf7yx3y0k2njfepfe83
forest-10
experiment 10
team=d
ticket=t-10

analysis0.ipynb
analysis0');
INSERT INTO "kf_runs" VALUES('1hf7yyyh00xpd3aex73v','boosting-11','pipeline','experiment 11','SUCCEEDED','/home/user/notebooks/analysis1.ipynb','analysis1','local','',1700000660.0,1700000660.1,1700000662.1,2.0,'000000000000000000000000000000000000000000000000000000000000000b','',NULL,0,0,'1hf7yyyh00xpd3aex73v
boosting-11
experiment 11
team=d
ticket=t-11

analysis1.ipynb
analysis1');
CREATE TABLE kf_store (name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (name));
INSERT INTO "kf_store" VALUES('writer','');
INSERT INTO "kf_store" VALUES('schema','1');
CREATE TABLE kf_tags (run TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, words TEXT NOT NULL, PRIMARY KEY (run, name));
INSERT INTO "kf_tags" VALUES('1hf7yat00n5mnj9e3d7b','team','b','b');
INSERT INTO "kf_tags" VALUES('1hf7yat00n5mnj9e3d7b','ticket','T-0','T-0');
INSERT INTO "kf_tags" VALUES('1hf7ycmk09k5qtvjj8zh','team','a','a');
INSERT INTO "kf_tags" VALUES('1hf7ycmk09k5qtvjj8zh','ticket','T-1','T-1');
INSERT INTO "kf_tags" VALUES('1hf7yef600hhq7p125t4','team','a','a');
INSERT INTO "kf_tags" VALUES('1hf7yef600hhq7p125t4','ticket','T-2','T-2');
INSERT INTO "kf_tags" VALUES('1hf7yg9s0n49ffvp5svk','team','a','a');
INSERT INTO "kf_tags" VALUES('1hf7yg9s0n49ffvp5svk','ticket','T-3','T-3');
INSERT INTO "kf_tags" VALUES('1hf7yj4c002w16ggxd01','team','d','d');
INSERT INTO "kf_tags" VALUES('1hf7yj4c002w16ggxd01','ticket','T-4','T-4');
INSERT INTO "kf_tags" VALUES('1hf7ykyz03nmxkg2agmc','team','c','c');
INSERT INTO "kf_tags" VALUES('1hf7ykyz03nmxkg2agmc','ticket','T-5','T-5');
INSERT INTO "kf_tags" VALUES('1hf7ynsj01c1c4g87p86','team','a','a');
INSERT INTO "kf_tags" VALUES('1hf7ynsj01c1c4g87p86','ticket','T-6','T-6');
INSERT INTO "kf_tags" VALUES('1hf7yqm50s6yj98xk050','team','b','b');
INSERT INTO "kf_tags" VALUES('1hf7yqm50s6yj98xk050','ticket','T-7','T-7');
INSERT INTO "kf_tags" VALUES('1hf7yser0aw6vnhk72qj','team','c','c');
INSERT INTO "kf_tags" VALUES('1hf7yser0aw6vnhk72qj','ticket','T-8','T-8');
INSERT INTO "kf_tags" VALUES('1hf7yv9b0ygszxncvx9d','team','a','a');
INSERT INTO "kf_tags" VALUES('1hf7yv9b0ygszxncvx9d','ticket','T-9','T-9');
INSERT INTO "kf_tags" VALUES('1hf7yx3y0k2njfepfe83','team','d','d');
INSERT INTO "kf_tags" VALUES('1hf7yx3y0k2njfepfe83','ticket','T-10','T-10');
INSERT INTO "kf_tags" VALUES('1hf7yyyh00xpd3aex73v','team','d','d');
INSERT INTO "kf_tags" VALUES('1hf7yyyh00xpd3aex73v','ticket','T-11','T-11');
CREATE TABLE kf_usage (digest TEXT NOT NULL, used REAL NOT NULL, gone REAL, PRIMARY KEY (digest));
INSERT INTO "kf_usage" VALUES('0000000000000000000000000000000000000000000000000000000000000000',1.79536654661700654025e+09,NULL);
INSERT INTO "kf_usage" VALUES('0000000000000000000000000000000000000000000000000000000000000001',1.79536654661700654025e+09,NULL);
INSERT INTO "kf_usage" VALUES('0000000000000000000000000000000000000000000000000000000000000002',1.79536654661700654025e+09,NULL);
INSERT INTO "kf_usage" VALUES('0000000000000000000000000000000000000000000000000000000000000003',1.79536654661700654025e+09,NULL);
INSERT INTO "kf_usage" VALUES('0000000000000000000000000000000000000000000000000000000000000004',1.79536654661700654025e+09,NULL);
INSERT INTO "kf_usage" VALUES('0000000000000000000000000000000000000000000000000000000000000005',1.79536654661700654025e+09,NULL);
INSERT INTO "kf_usage" VALUES('0000000000000000000000000000000000000000000000000000000000000006',1.79536654661700654025e+09,NULL);
INSERT INTO "kf_usage" VALUES('0000000000000000000000000000000000000000000000000000000000000007',1.79536654661700654025e+09,NULL);
INSERT INTO "kf_usage" VALUES('0000000000000000000000000000000000000000000000000000000000000008',1.79536654661700654025e+09,NULL);
INSERT INTO "kf_usage" VALUES('0000000000000000000000000000000000000000000000000000000000000009',1.79536654661700654025e+09,NULL);
INSERT INTO "kf_usage" VALUES('000000000000000000000000000000000000000000000000000000000000000a',1.79536654661700654025e+09,NULL);
INSERT INTO "kf_usage" VALUES('000000000000000000000000000000000000000000000000000000000000000b',1.79536654661700654025e+09,NULL);
INSERT INTO "kf_usage" VALUES('3ac7652ccdf8440407295e4299901c0475491bc354c56c9a9cc9af4ec9546b43',1.79536654661700654025e+09,NULL);
INSERT INTO "kf_usage" VALUES('51431193e6c3f3391a2b8f1ff1fd42a29755d4c13a902931cd447e35b8b6d8fe',1.79536654661700654025e+09,NULL);
INSERT INTO "kf_usage" VALUES('57e54acc62f5680c4fdf8e1a060cea631d3b993f79490eab7f1a355e526eb523',1.79536654661700654025e+09,NULL);
INSERT INTO "kf_usage" VALUES('64ac5db9d707107e855c384429e821a4c74803e31ba1621582283d15a9ec0806',1.79536654661700654025e+09,NULL);
INSERT INTO "kf_usage" VALUES('8b7199cd6d39eb43ad9cedde819d7ca7b46108cc721754ef2904acecf5bb9188',1.79536654661700654025e+09,NULL);
INSERT INTO "kf_usage" VALUES('8c5fe8f8dc3bf364eb8ac8ce8a245e6b33138131c541013d0326324dfb695ffb',1.79536654661700654025e+09,NULL);
INSERT INTO "kf_usage" VALUES('c2ce6f447ed4d57b1e2feb89414c343c1027c4d1c386bbc4cd613e30d8f16adf',1.79536654661700654025e+09,NULL);
INSERT INTO "kf_usage" VALUES('c703806984c8199921167d8fcf23cae883333218bd91a1b7f03edca7e2dcaa37',1.79536654661700654025e+09,NULL);
INSERT INTO "kf_usage" VALUES('cc1b0c3e1c07724e44c5b4763fe31d0347fc816ac16e2284c10faa4003ba33db',1.79536654661700654025e+09,NULL);
INSERT INTO "kf_usage" VALUES('eacc110e4f73fd941391f9b9dbc799b0121b28004e6f5a940c250a03e023033d',1.79536654661700654025e+09,NULL);
INSERT INTO "kf_usage" VALUES('ed2f89d94a2f20aaf3c64af775a89294c2cd789a380208a9ad45f23d3b1a11df',1.79536654661700654025e+09,NULL);
INSERT INTO "kf_usage" VALUES('f9341c68966baea148beab134da98f1d3099fdf5ab99254ae901e35cd47d380d',1.79536654661700654025e+09,NULL);
CREATE INDEX kf_events_0 ON kf_events (run, seq);
CREATE UNIQUE INDEX kf_events_u0 ON kf_events (id);
CREATE INDEX kf_runs_0 ON kf_runs (deleted, created, search);
CREATE INDEX kf_runs_1 ON kf_runs (deleted, state, created);
CREATE INDEX kf_runs_2 ON kf_runs (deleted, experiment, created);
CREATE INDEX kf_runs_3 ON kf_runs (deleted, notebook, created);
CREATE INDEX kf_runs_4 ON kf_runs (deleted, name, created);
CREATE INDEX kf_runs_5 ON kf_runs (deleted, started);
CREATE INDEX kf_runs_6 ON kf_runs (deleted, finished);
CREATE INDEX kf_runs_7 ON kf_runs (deleted, seconds);
CREATE INDEX kf_executions_0 ON kf_executions (run, place);
CREATE INDEX kf_executions_1 ON kf_executions (cache_key, state, place);
CREATE INDEX kf_lineage_0 ON kf_lineage (digest);
CREATE INDEX kf_parameters_0 ON kf_parameters (name, number, run);
CREATE INDEX kf_parameters_1 ON kf_parameters (name, words, run);
CREATE INDEX kf_tags_0 ON kf_tags (name, words, run);
CREATE INDEX kf_points_0 ON kf_points (run, name, seq);
CREATE INDEX kf_points_1 ON kf_points (execution, name, seq);
CREATE INDEX kf_metrics_0 ON kf_metrics (execution, name);
CREATE INDEX kf_run_metrics_0 ON kf_run_metrics (name, value, run);
COMMIT;
