include(${CMAKE_CURRENT_LIST_DIR}/common.cmake)

# ---- inspect --------------------------------------------------------------------------------------

set(nets ${CMAKE_CURRENT_LIST_DIR}/../data/inspect)

# near(json expected path...): a number of `json`, to nine digits.
function(near json expected)
  string(JSON value GET "${json}" ${ARGN})
  execute_process(
    COMMAND awk "BEGIN { d = (${value}) - (${expected}); e = (${expected}) * 1e-9; exit !(d * d <= e * e) }"
    RESULT_VARIABLE code)
  if(NOT code EQUAL 0)
    message(SEND_ERROR "${ARGN}: ${value}, expected ${expected}")
  endif()
endfunction()

# The teacher's nodes in other scales, the first one as two, and one that nothing goes out of.
runs(inspect --teacher ${nets}/teacher.npz --student ${nets}/embedded.npz --inputs
     ${nets}/inputs.npy --labels ${nets}/labels.npy --json inspect.json --out inspected)
expect("${printed}" MATCHES "3 of 3 teacher nodes have a student's boundary near")
file(READ ${SCRATCH}/inspect.json json)
file(READ ${SCRATCH}/inspected/results.json again)
expect("${json}" STREQUAL "${again}")
near("${json}" 1 layers 0 rho_mean)
near("${json}" 1 networks 1 accuracy)
near("${json}" 4 networks 1 groups count)
string(JSON covered GET "${json}" layers 0 covered 0.95)
expect(${covered} EQUAL 3)
foreach(path IN ITEMS "loss" "relative_loss" "layers;0;mean_squared_gradient_norm"
                      "layers;0;mean_B;4;4")
  string(JSON value GET "${json}" ${path})
  expect(${value} LESS 1e-25)
endforeach()
foreach(path IN ITEMS "layers;0;max_gradient" "critical;layers;1;max" "bounds;teachers;2;student_gap"
                      "pruning;pruned_change" "layers;0;mean_A_error;3;2")
  string(JSON value GET "${json}" ${path})
  expect(${value} LESS 1e-12)
endforeach()
# V^T V* and V^T V, by NumPy.
near("${json}" 1.5225830078125 layers 0 mean_A 1 0)
near("${json}" -0.089111328125 layers 0 mean_A 1 1)
near("${json}" 3.15283203125 layers 0 mean_B 1 3)
shows(inspected/report.html "id='networks'" "id='losses'" "id='matches'" "id='weights'"
      "id='expectations'" "id='critical'" "id='observers'" "id='certificates'" "id='pruning'"
      "id='similarity'" "Every teacher node has a node that does its work." "<svg" "</html>")

# A student that knows nothing, against NumPy.
runs(inspect --teacher ${nets}/teacher.npz --student ${nets}/other.npz --inputs ${nets}/inputs.npy
     --labels ${nets}/labels.npy --json - --quiet)
near("${printed}" 21.875916192407217 loss)
near("${printed}" 3.544753500849439 relative_loss)
near("${printed}" 0.2890625 networks 1 accuracy)
near("${printed}" 2.1740798835791177 networks 1 cross_entropy)
near("${printed}" 24 networks 1 regions)
near("${printed}" 120.08511170435322 layers 0 mean_squared_gradient_norm)
near("${printed}" 25.64419766263927 layers 0 max_gradient)
near("${printed}" -0.5604496002197266 layers 0 mean_gated_A 1 2)
near("${printed}" 0.8135145742931414 layers 0 cca)
near("${printed}" 0.6192567081391461 layers 0 cka)

# Three layers; targets; the errors of the expectations.
runs(inspect --teacher ${nets}/deep.npz --student ${nets}/deep_student.npz --inputs
     ${nets}/inputs.npy --labels ${nets}/targets.npy --json - --quiet)
near("${printed}" -0.5635420060716569 layers 0 mean_A 0 0)
near("${printed}" 0.09862580733484813 layers 0 mean_A_error 0 0)
string(JSON layers LENGTH "${printed}" layers)
expect(${layers} EQUAL 2)
string(JSON value GET "${printed}" networks 0 squared_loss)
expect(${value} GREATER 0)

# Two students, and one; a leaky gate is open as often.
runs(inspect --student ${nets}/other.npz --student ${nets}/embedded.npz --inputs ${nets}/inputs.npy
     --out two)
shows(two/report.html "Two students" "id='similarity'")
runs(inspect --student ${nets}/other.npz --inputs ${nets}/inputs.npy --gate leaky:0.1 --json - --out one)
near("${printed}" 24 networks 0 regions)
shows(one/report.html "A network" "Every node is active on some sample")

# Batch normalization, read by its numbers and by text, is the same; against NumPy.
set(normalized --teacher ${nets}/batch_norm.npz --student ${nets}/other.npz --inputs ${nets}/inputs.npy)
runs(inspect ${normalized} --json - --quiet --out normalized)
near("${printed}" 27.46661772274852 loss)
near("${printed}" -2.35205078125 layers 0 mean_A 1 2)
near("${printed}" -1 networks 0 batch_norms 0 boundaries 1)
shows(normalized/report.html "1 of 3" "Biases of batch norm 1" "rule" "class='bar above'")
string(JSON layers GET "${printed}" layers)
runs(inspect ${normalized} --json - --quiet --layers "linear bn relu linear" --layers "linear relu linear")
string(JSON again GET "${printed}" layers)
expect("${layers}" STREQUAL "${again}")

# Convolutions, node by node as dense layers and channel by channel; with max pools by channels alone.
# Against PyTorch.
set(convolutions --teacher ${nets}/conv.npz --student ${nets}/conv_student.npz --inputs
                 ${nets}/images.npy --image 1x6x6 --json - --quiet)
runs(inspect ${convolutions} --layers "conv:padding=1 bn relu avgpool:2 conv relu flatten linear" --out folded)
near("${printed}" 0.032208904057573755 loss)
near("${printed}" 37.79107522625084 relative_loss)
near("${printed}" 0.0049378355178970315 layers 1 mean_squared_gradient_norm)
near("${printed}" 0.005253390727912645 layers 0 max_gradient)
near("${printed}" 0.005253390727912645 channels layers 0 max_gradient)
near("${printed}" 0.2624235427927333 channels layers 0 rho_mean)
near("${printed}" 0.0869381026841168 channels layers 1 cka)
near("${printed}" 0.8425925925925926 channels networks 1 layers 0 open_shares 1)
shows(folded/report.html "id='expectations'" "id='channels'" "id='channel-similarity'")
runs(inspect ${convolutions} --layers "conv:padding=1 bn relu maxpool:2 conv relu flatten linear" --out pooled)
near("${printed}" 0.030269299008424625 loss)
near("${printed}" 0.0010352672852704547 layers 0 mean_squared_gradient_norm)
near("${printed}" 0.10136953478823865 layers 1 max_gradient)
near("${printed}" 0.05656022480716247 layers 1 rho_mean)
near("${printed}" 0.0029594377569165963 layers 1 cka)
shows(pooled/report.html "maxpool is neither a linear map nor a gate of one node" "id='critical'")

# Four and five layers, with a copy whose nodes stand elsewhere; six, layer by layer.
foreach(depth IN ITEMS 4 5)
  runs(inspect --teacher ${nets}/layers_${depth}.npz --student ${nets}/layers_${depth}_moved.npz
       --inputs ${nets}/inputs.npy --json - --quiet)
  near("${printed}" 1 permutation agreement)
  string(JSON value GET "${printed}" permutation aligned_middle_loss)
  expect(${value} LESS 1e-25)
  string(JSON layers LENGTH "${printed}" layers)
  math(EXPR hidden "${depth} - 1")
  expect(${layers} EQUAL ${hidden})
  math(EXPR last "${depth} - 2")
  near("${printed}" 1 layers ${last} rho_mean)
  string(JSON seen LENGTH "${printed}" layers ${last} observers teachers)
  expect(${seen} EQUAL 3)
endforeach()
runs(inspect --student ${nets}/layers_6.npz --inputs ${nets}/inputs.npy --json -)
expect("${printed}" MATCHES "\"units\": \"nodes\"")
string(JSON value GET "${printed}" not_by_nodes)
expect("${value}" MATCHES "6 layers with gates between")

set(pair --teacher ${nets}/teacher.npz --student ${nets}/other.npz)
set(student --inputs ${nets}/inputs.npy --out refused_inspection --quiet --student)
fails(2 "--student" inspect --inputs ${nets}/inputs.npy)
fails(2 "is relu or leaky:c with c in [0, 1); got leaky:2" inspect ${pair} --inputs
      ${nets}/inputs.npy --gate leaky:2)
fails(2 "is given once beside --teacher" inspect ${pair} ${student} ${nets}/other.npz)
fails(1 "cannot open" inspect ${student} ${nets}/nothing.npz)
fails(1 "has 1 layer, expected 2 or more" inspect ${student} ${nets}/one_layer.npz)
fails(1 "has weight (4,), bias (4,): no linear, conv or bn" inspect ${student} ${nets}/layer_norm.npz)
fails(1 "names of its modules do not tell where gates stand" inspect ${student} ${nets}/named_norm.npz)
fails(1 "files do not say their stride and padding" inspect ${student} ${nets}/conv.npz)
foreach(refused IN ITEMS
        "conv bn relu avgpool:2 conv relu linear|above images of 4x1x1: put flatten before"
        "conv:padding=1 bn relu pool:2 conv relu flatten linear|may be maxpool or avgpool"
        "conv:pad=1 bn relu flatten linear|does not take pad; it takes name, stride, padding"
        "conv:padding=1 bn relu avgpool:2 conv leaky:0.1 flatten linear|is beside relu"
        "conv:padding=1 bn relu avgpool:2 conv relu flatten|7 (linear) has no place"
        "conv bn relu avgpool:2 conv relu flatten linear|takes 16 numbers (7 of"
        "conv:name=9 bn relu|names no module of"
        "conv bn relu conv relu conv|is one more than"
        "conv:padding=1 bn relu avgpool:2 conv relu flatten linear relu|is no gate"
        "dropout|is none of linear, conv, bn")
  string(REGEX MATCH "^(.*)[|](.*)$" matched "${refused}")
  fails(1 "${CMAKE_MATCH_2}" inspect ${student} ${nets}/conv.npz --image 1x6x6 --layers "${CMAKE_MATCH_1}")
endforeach()
fails(1 "needs --image CxHxW" inspect ${student} ${nets}/conv.npz --layers "conv relu flatten linear")
fails(1 "is 6x6, expected CxHxW" inspect ${student} ${nets}/conv.npz --image 6x6)
fails(2 "once for each network" inspect ${student} ${nets}/conv.npz --layers a --layers b)
fails(1 "3 inputs, " inspect ${student} ${nets}/narrow.npz --teacher ${nets}/teacher.npz)
fails(1 "3 layers, " inspect ${student} ${nets}/deep.npz --teacher ${nets}/teacher.npz)
fails(1 "samples have 4 numbers, " inspect ${student} ${nets}/narrow.npz)
fails(1 "element 30 is nan" inspect ${pair} --inputs ${nets}/not_finite.npy)
fails(1 "descr: " inspect ${pair} --inputs ${nets}/complex.npy)
fails(1 "9 samples, " inspect ${pair} --inputs ${nets}/inputs.npy --labels ${nets}/few.npy)
if(EXISTS ${SCRATCH}/refused_inspection)
  message(SEND_ERROR "a refused inspection left files")
endif()
